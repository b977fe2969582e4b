/** `plugin.toml`, checked against the source's hooks or written from them. */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join as path } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { parse } from "smol-toml";
import type { Json } from "./json.js";
import { join, leb } from "./patch.js";
import type { Plugin } from "./plugin.js";

/** Why there is no component; says what to do. */
export class NotBuilt extends Error {}

/** The manifest. */
export const FILE = "plugin.toml";
/** Where {@link write} puts the schema of the source's fields. */
const SCHEMA = "settings.schema.json";
const SECTION = "sandgate:manifest";
const RIGHT = "`npx sandgate-plugin manifest --write` puts it right";

type Table = { [name: string]: Json };

/** The manifest of the plugin in this folder, where `plugin.toml` agrees with the source. */
export function check(folder: string, plugin: Plugin): Table {
  const table = read(folder);
  if (!isDeepStrictEqual(sorted((table["hooks"] ?? {}) as Hooks), sorted(plugin.hooks as Hooks))) {
    throw new NotBuilt(`${path(folder, FILE)}: \`hooks\` is not what the source has: ${JSON.stringify(plugin.hooks)}; ${RIGHT}`);
  }
  const settings = table["settings"];
  if (settings === undefined) {
    if (hasSettings(plugin)) throw new NotBuilt(`${path(folder, FILE)} says nothing of the settings that the source declares; ${RIGHT}`);
    table["settings"] = plugin.schema;
  } else if (typeof settings === "string") {
    const file = path(folder, settings);
    try {
      table["settings"] = JSON.parse(readFileSync(file, "utf8")) as Json;
    } catch (error) {
      throw new NotBuilt(`${file}: ${(error as Error).message}`);
    }
    if (settings === SCHEMA && hasSettings(plugin) && !isDeepStrictEqual(table["settings"], plain(plugin.schema))) {
      throw new NotBuilt(`${file} is not the schema of the source's settings; ${RIGHT}`);
    }
  }
  return table;
}

/**
 * Writes the hooks of the source into `plugin.toml`, in place of those there; where the source declares settings and the file
 * has no schema of its own, their schema into `settings.schema.json`.
 */
export function write(folder: string, plugin: Plugin): void {
  const table = read(folder);
  const lines = withoutHooks(readFileSync(path(folder, FILE), "utf8").split("\n"));
  if (hasSettings(plugin) && (table["settings"] ?? SCHEMA) === SCHEMA) {
    writeFileSync(path(folder, SCHEMA), `${JSON.stringify(plugin.schema, null, 2)}\n`);
    if (table["settings"] === undefined) {
      let first = lines.findIndex((line) => line.trimStart().startsWith("["));
      if (first < 0) first = lines.length;
      while (first > 0 && lines[first - 1]?.trim() === "") first -= 1;
      lines.splice(first, 0, `settings = ${JSON.stringify(SCHEMA)}`);
    }
  }
  while (lines.at(-1)?.trim() === "") lines.pop();
  for (const [kind, hook] of Object.entries(plugin.hooks)) {
    const events = hook.events.map((event) => JSON.stringify(event)).join(", ");
    lines.push("", `[hooks.${kind}]`, `type = ${JSON.stringify(hook.type)}`, `events = [${events}]`);
  }
  writeFileSync(path(folder, FILE), `${lines.join("\n")}\n`);
}

/** The component with the manifest at its end. */
export function embed(component: Uint8Array, manifest: Table): Uint8Array {
  const encoder = new TextEncoder();
  const name = encoder.encode(SECTION);
  const body = join([leb(name.length), name, encoder.encode(JSON.stringify(manifest))]);
  return join([component, Uint8Array.of(0), leb(body.length), body]);
}

type Hooks = { [kind: string]: { type?: string; events?: string[] } };

function read(folder: string): Table {
  const file = path(folder, FILE);
  if (!existsSync(file)) throw new NotBuilt(`${file} is missing: it names the plugin and says what it asks for`);
  try {
    return plain(parse(readFileSync(file, "utf8"))) as Table;
  } catch (error) {
    throw new NotBuilt(`${file}: ${(error as Error).message}`);
  }
}

function sorted(hooks: Hooks): Hooks {
  const entries = Object.entries(hooks).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([kind, { type, events }]) => [kind, { type: type ?? "", events: [...(events ?? [])].sort() }]));
}

function plain(value: unknown): Json {
  return JSON.parse(JSON.stringify(value)) as Json;
}

function hasSettings(plugin: Plugin): boolean {
  return plugin.schema["properties"] !== undefined;
}

function withoutHooks(lines: string[]): string[] {
  let within = false;
  return lines.filter((line) => {
    const word = line.trim();
    if (word.startsWith("[")) within = word.startsWith("[hooks]") || word.startsWith("[hooks.");
    return !within;
  });
}
