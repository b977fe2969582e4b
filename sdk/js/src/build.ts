/** From a folder with `plugin.ts` (or `plugin.js`) and `plugin.toml` to a component, by esbuild and componentize-qjs. */

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join as path, relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { componentize } from "componentize-qjs";
import { build as bundle, type BuildFailure, formatMessages } from "esbuild";
import type { Lines } from "./fault.js";
import { check, embed, NotBuilt } from "./manifest.js";
import { giveBackInTime } from "./patch.js";
import type { Plugin } from "./plugin.js";
import { decodeMappings } from "./sourcemap.js";

/** Where the package lies. */
export const PACKAGE = dirname(dirname(fileURLToPath(import.meta.url)));
export const IMPORTS = ["sandgate:interceptor/*", "wasi:*", "wazi:*"];
/** See `wit/plugin.wit`. */
const LENT = ["wazi:io/", "wazi:http/"];

/** Loads the source natively, so that its hooks are known. */
export async function load(folder: string): Promise<Plugin> {
  const source = sourceOf(folder);
  const scratch = mkdtempSync(path(tmpdir(), "sandgate-"));
  try {
    const outfile = path(scratch, "plugin.mjs");
    await bundled({ entryPoints: [source], outfile });
    const loaded = (await import(pathToFileURL(outfile).href)) as { default?: Partial<Plugin> };
    const plugin = loaded.default;
    if (plugin?.hooks === undefined || plugin.schema === undefined) {
      throw new NotBuilt(`${source} exports no plugin: write \`export default plugin({ … })\``);
    }
    return plugin as Plugin;
  } catch (error) {
    if (error instanceof NotBuilt) throw error;
    throw new NotBuilt(`${source} does not load: ${(error as Error).name}: ${(error as Error).message}`);
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

/** Makes the component and says where it lies. `bare`: without the manifest, who asks for it adds it. */
export async function build(folder: string, output?: string, bare = false): Promise<string> {
  const manifest = check(folder, await load(folder));
  const http = asksHttp(manifest);
  const script = await scriptOf(folder, http);
  let patched: Uint8Array;
  try {
    patched = await componentOf(script, http);
  } catch (error) {
    throw new NotBuilt(`${sourceOf(folder)} does not load in QuickJS: ${(error as Error).message}`);
  }
  const file = resolve(output ?? path(folder, `${String(manifest["name"])}.wasm`));
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, bare ? patched : embed(patched, manifest));
  return file;
}

/** Whether a manifest asks for HTTP: only then is it imported. */
export function asksHttp(manifest: Record<string, unknown>): boolean {
  return "http" in ((manifest["asks"] ?? {}) as object);
}

/** A component with the exports of this script. */
export async function componentOf(script: string, http: boolean): Promise<Uint8Array> {
  const world = http ? "plugin-with-http" : "plugin";
  const { component } = await componentize({ witPath: path(PACKAGE, "wit"), jsSource: script, world, sync: true });
  const patched = giveBackInTime(component);
  return http ? named(patched) : patched;
}

/** What a script has as `http`. */
export function httpIn(asked: boolean): string {
  if (!asked) return "const http = undefined;";
  return `
    import types from "wazi:http/types@0.2.0";
    import outgoing from "wazi:http/outgoing-handler@0.2.0";
    const http = { types, outgoing };`;
}

/** The component with what it imports by its own name, which is as long. */
function named(component: Uint8Array): Uint8Array {
  const bytes = Buffer.from(component);
  for (const name of LENT) {
    for (let at = bytes.indexOf(name); at >= 0; at = bytes.indexOf(name, at)) bytes.write(name.replace("wazi", "wasi"), at);
  }
  return bytes;
}

/** One script of the plugin, the SDK and where its lines come from. */
async function scriptOf(folder: string, http: boolean): Promise<string> {
  const source = sourceOf(folder);
  const contents = `
    import plugin from ${JSON.stringify(source)};
    import { exported, mapLines } from ${JSON.stringify(path(PACKAGE, "dist/component.js"))};
    import log from "sandgate:interceptor/log@0.1.0";
    import report from "sandgate:interceptor/report@0.1.0";
    import state from "sandgate:interceptor/state@0.1.0";
    import random from "wasi:random/random@0.2.0";
    ${httpIn(http)}
    mapLines(__SANDGATE_LINES__);
    const { settings, preCall, postCall } = exported(plugin, { log, report, state, random, http });
    export { settings, preCall, postCall };
  `;
  const made = await bundled({
    stdin: { contents, resolveDir: folder, sourcefile: "entry.js" },
    outfile: path(folder, "bundle.js"),
    external: IMPORTS,
    sourcemap: "external",
    write: false,
  });
  const file = (name: string): string => made.outputFiles?.find((output) => output.path.endsWith(name))?.text ?? "";
  const map = JSON.parse(file(".map")) as { sources: string[]; mappings: string };
  return file("bundle.js").replace("__SANDGATE_LINES__", () => JSON.stringify(linesOf(folder, map)));
}

/** The author's own lines: those of the SDK and of other packages have no name. */
export function linesOf(folder: string, map: { sources: string[]; mappings: string }): Lines {
  const files = map.sources.map((source) => {
    const file = resolve(folder, source);
    const own = !file.startsWith(`${PACKAGE}/dist/`) && !file.includes("/node_modules/") && basename(file) !== "entry.js";
    return own ? relative(folder, file) : "";
  });
  const lines = decodeMappings(map.mappings).map((segments) =>
    segments.some(({ source }) => files[source] !== "") ? segments.flatMap(({ column, source, line }) => [column, source, line]) : [],
  );
  return { files, lines };
}

/** What esbuild makes of it; what is wrong with the source is told as it tells it. */
export async function bundled(options: Parameters<typeof bundle>[0]): ReturnType<typeof bundle> {
  try {
    return await bundle({
      bundle: true, format: "esm", target: "es2023", platform: "neutral", mainFields: ["module", "main"],
      // The one SDK, whichever folder the plugin lies in.
      alias: { sandgate: path(PACKAGE, "dist/index.js") },
      logLevel: "silent",
      ...options,
    });
  } catch (error) {
    const messages = (error as BuildFailure).errors;
    if (messages === undefined) throw error;
    throw new NotBuilt((await formatMessages(messages, { kind: "error", color: false })).join("").trimEnd());
  }
}

/** The plugin's source. */
export function sourceOf(folder: string): string {
  const found = ["plugin.ts", "plugin.js"].map((name) => path(resolve(folder), name)).find((file) => existsSync(file));
  if (found === undefined) throw new NotBuilt(`${path(folder, "plugin.ts")} is missing: the plugin's source has this name`);
  return found;
}

/** The package's own version. */
export function version(): string {
  return (JSON.parse(readFileSync(path(PACKAGE, "package.json"), "utf8")) as { version: string }).version;
}
