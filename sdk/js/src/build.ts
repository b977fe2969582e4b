/** From a folder with `plugin.ts` (or `plugin.js`) and `plugin.toml` to a component, by esbuild and componentize-qjs. */

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { Session } from "node:inspector/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join as path, relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { componentize } from "componentize-qjs";
import { build as bundle, type BuildFailure, formatMessages } from "esbuild";
import { type Lines, lineOf, mapLines, place, words } from "./fault.js";
import { check, embed, NotBuilt } from "./manifest.js";
import { giveBackInTime } from "./patch.js";
import { advised } from "./node-imports.js";
import type { AsyncHook, Plugin } from "./plugin.js";
import { decodeMappings } from "./sourcemap.js";
import { checkTypes } from "./types.js";

/** Where the package lies. */
export const PACKAGE = dirname(dirname(fileURLToPath(import.meta.url)));
export const IMPORTS = ["sandgate:interceptor/*", "wasi:*", "wazi:*"];
/** See `wit/plugin.wit`. */
const LENT = ["wazi:io/", "wazi:http/", "wazi:clocks/"];

/** Loads the source natively, so that its hooks are known. */
export async function load(folder: string): Promise<Plugin> {
  const source = sourceOf(folder);
  const scratch = mkdtempSync(path(tmpdir(), "sandgate-"));
  const outfile = path(scratch, "plugin.mjs");
  try {
    const made = await bundled({ entryPoints: [source], outfile, sourcemap: "external", write: false });
    for (const { path: file, contents } of made.outputFiles ?? []) writeFileSync(file, contents);
    const map = JSON.parse(readFileSync(`${outfile}.map`, "utf8")) as SourceMap;
    const sources = map.sources.map((one) => resolve(scratch, one));
    mapLines({ ...linesOf(folder, { ...map, sources }), bundle: outfile });
    const loaded = (await import(pathToFileURL(outfile).href)) as { default?: Partial<Plugin> };
    const plugin = loaded.default;
    if (plugin?.hooks === undefined || plugin.schema === undefined) {
      throw new NotBuilt(`${source} exports no plugin: write \`export default plugin({ … })\``);
    }
    return plugin as Plugin;
  } catch (error) {
    if (error instanceof NotBuilt) throw error;
    // Of the bundle's own class.
    const { hook } = error as Partial<AsyncHook>;
    const at = hook === undefined ? undefined : await placeOf(hook);
    if (at !== undefined) throw new NotBuilt(`${at}: ${(error as Error).message}`);
    throw new NotBuilt(`${source} does not load: ${words(error, new Error())}`);
  } finally {
    mapLines(undefined);
    rmSync(scratch, { recursive: true });
  }
}

/** The author's line at which a function of the loaded bundle begins, as the engine's debugger has it. */
async function placeOf(hook: unknown): Promise<string | undefined> {
  const session = new Session();
  session.connect();
  try {
    (globalThis as { sandgateHook?: unknown }).sandgateHook = hook;
    const { result } = await session.post("Runtime.evaluate", { expression: "globalThis.sandgateHook" });
    const { internalProperties } = await session.post("Runtime.getProperties", { objectId: result.objectId ?? "" });
    const at = internalProperties?.find(({ name }) => name === "[[FunctionLocation]]")?.value?.value as { lineNumber: number; columnNumber: number } | undefined;
    return at === undefined ? undefined : lineOf(at.lineNumber + 1, at.columnNumber + 1);
  } finally {
    delete (globalThis as { sandgateHook?: unknown }).sandgateHook;
    session.disconnect();
  }
}

/** Makes the component and says where it lies. `bare`: without the manifest, who asks for it adds it. */
export async function build(folder: string, output?: string, bare = false): Promise<string> {
  const manifest = check(folder, await load(folder));
  const http = asksHttp(manifest);
  // Beside the rest, which takes longer.
  const types = checkTypes(folder).catch((error: unknown) => error);
  const { script, lines } = await scriptOf(folder, http);
  let patched: Uint8Array;
  try {
    patched = await componentOf(script, http);
  } catch (error) {
    throw new NotBuilt(`${sourceOf(folder)} does not load in QuickJS: ${loadError(error as Error, lines)}`);
  }
  const wrong = await types;
  if (wrong !== undefined) throw wrong;
  const file = resolve(output ?? path(folder, `${String(manifest["name"])}.wasm`));
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, bare ? patched : embed(patched, manifest));
  return file;
}

/** What an engine says of a script that does not load, with the author's lines. */
function loadError(error: Error, lines: Lines): string {
  mapLines(lines);
  try {
    const thrown = new Error(error.message);
    thrown.stack = error.message;
    const frames = place(thrown);
    const said = error.message.split("\n").filter((line) => !/^\s*at /.test(line)).join("\n").trimEnd();
    return [said, ...frames.map((frame) => `  at ${frame}`)].join("\n");
  } finally {
    mapLines(undefined);
  }
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
    import * as poll from "wazi:io/poll@0.2.0";
    import clock from "wazi:clocks/monotonic-clock@0.2.0";
    const http = { types, outgoing, poll, clock };`;
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
async function scriptOf(folder: string, http: boolean): Promise<{ script: string; lines: Lines }> {
  const source = sourceOf(folder);
  const contents = `
    import ${JSON.stringify(path(PACKAGE, "dist/globals-first.js"))};
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
  const map = JSON.parse(file(".map")) as SourceMap;
  const lines = linesOf(folder, map);
  return { script: file("bundle.js").replace("__SANDGATE_LINES__", () => JSON.stringify(lines)), lines };
}

/** What of a source map is read. */
export interface SourceMap {
  sources: string[];
  mappings: string;
}

/** The author's own lines: those of the SDK and of other packages have no name. */
export function linesOf(folder: string, map: SourceMap): Lines {
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
    throw new NotBuilt((await formatMessages(messages.map(advised), { kind: "error", color: false })).join("").trimEnd());
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
