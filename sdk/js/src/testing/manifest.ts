/** The manifest beside the plugin that is tested: what it does not say the gateway does not do. */

import { existsSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { check, FILE } from "../manifest.js";
import type { Plugin } from "../plugin.js";

const read = new WeakMap<Plugin, { at: number; asks: Set<string> }>();

/**
 * What the manifest asks for; undefined where there is none, as for plugins that a test makes itself. Throws where it does not say
 * of the hooks what the source does: the gateway goes by the manifest.
 */
export function asks(plugin: Plugin): Set<string> | undefined {
  const folder = folderOf(plugin);
  if (folder === undefined || !existsSync(join(folder, FILE))) return undefined;
  const at = statSync(join(folder, FILE)).mtimeMs;
  let known = read.get(plugin);
  if (known?.at !== at) {
    known = { at, asks: new Set(Object.keys((check(folder, plugin)["asks"] ?? {}) as object)) };
    read.set(plugin, known);
  }
  return known.asks;
}

/** The folder of the source in which a plugin was made: `plugin.ts`, `plugin.js`, or what was bundled to `target/plugin.js`. */
function folderOf({ origin }: Plugin): string | undefined {
  for (const [, scheme = "", named = ""] of (origin.stack ?? "").matchAll(/(file:\/\/|\()(\/[^:()]+):\d+:\d+/g)) {
    const file = scheme === "file://" ? decodeURIComponent(named) : named;
    if (!/^plugin\.[jt]s$/.test(basename(file))) continue;
    const folder = dirname(file);
    if (existsSync(join(folder, FILE))) return folder;
    if (basename(folder) === "target") return dirname(folder);
  }
  return undefined;
}
