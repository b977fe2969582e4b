/**
 * What `sandgate plugin dev` asks at every save: the plugin as a script, and a component with everything else in it, which is
 * made once and serves until the SDK is another one.
 */

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join as path, resolve } from "node:path";
import { asksHttp, bundled, componentOf, httpIn, IMPORTS, linesOf, load, PACKAGE, type SourceMap, sourceOf } from "./build.js";
import { check } from "./manifest.js";

/** Where the component lies, and what it is to be given. */
export interface Made {
  interpreter: string;
  source: string;
}

/** Takes seconds where the component has to be made, a fraction of one where it is there. */
export async function made(folder: string, interpreters: string): Promise<Made> {
  const http = asksHttp(check(folder, await load(folder)));
  const interpreter = path(resolve(interpreters), `${key(http)}.wasm`);
  if (existsSync(interpreter)) {
    const now = new Date();
    utimesSync(interpreter, now, now);
  } else {
    mkdirSync(interpreters, { recursive: true });
    makeRoom(interpreters);
    const unfinished = `${interpreter}.new${process.pid}`;
    writeFileSync(unfinished, await componentOf(await interpreterScript(http), http));
    renameSync(unfinished, interpreter);
  }
  return { interpreter, source: JSON.stringify(await scriptOf(folder)) };
}

/** The most components that are kept. Projects share them. */
const MOST = 8;

/** Leaves those that were used last, and room for one more. */
function makeRoom(interpreters: string): void {
  const files = readdirSync(interpreters).filter((name) => name.endsWith(".wasm"));
  // Another process may have removed it.
  const used = (name: string): number => statSync(path(interpreters, name), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const oldestFirst = files.sort((one, other) => used(one) - used(other));
  for (const former of oldestFirst.slice(0, 1 - MOST)) rmSync(path(interpreters, former), { force: true });
}

/** The plugin without the SDK, as a script that a function is made of. */
async function scriptOf(folder: string): Promise<object> {
  const made = await bundled({
    entryPoints: [sourceOf(folder)],
    outfile: path(folder, "bundle.js"),
    format: "cjs",
    alias: {},
    external: ["sandgate"],
    sourcemap: "external",
    write: false,
  });
  const file = (name: string): string => made.outputFiles?.find((output) => output.path.endsWith(name))?.text ?? "";
  const map = JSON.parse(file(".map")) as SourceMap;
  return { script: file("bundle.js"), lines: linesOf(folder, map) };
}

/** The SDK, and what makes a plugin of a script. */
async function interpreterScript(http: boolean): Promise<string> {
  const contents = `
    import ${JSON.stringify(path(PACKAGE, "dist/globals-first.js"))};
    import * as sdk from ${JSON.stringify(path(PACKAGE, "dist/index.js"))};
    import { interpreted } from ${JSON.stringify(path(PACKAGE, "dist/interpreter.js"))};
    import log from "sandgate:interceptor/log@0.1.0";
    import report from "sandgate:interceptor/report@0.1.0";
    import state from "sandgate:interceptor/state@0.1.0";
    import random from "wasi:random/random@0.2.0";
    ${httpIn(http)}
    const { settings, preCall, postCall } = interpreted(sdk, { log, report, state, random, http });
    export { settings, preCall, postCall };
  `;
  const made = await bundled({
    stdin: { contents, resolveDir: PACKAGE, sourcefile: "entry.js" },
    outfile: path(PACKAGE, "bundle.js"),
    external: IMPORTS,
    write: false,
  });
  return made.outputFiles?.[0]?.text ?? "";
}

/** Another one for another SDK, and for other imports. */
function key(http: boolean): string {
  const hash = createHash("sha256").update(String(http));
  for (const file of readdirSync(path(PACKAGE, "dist")).sort()) {
    if (file.endsWith(".js")) hash.update(readFileSync(path(PACKAGE, "dist", file)));
  }
  for (const file of readdirSync(path(PACKAGE, "wit")).sort()) {
    if (file.endsWith(".wit")) hash.update(readFileSync(path(PACKAGE, "wit", file)));
  }
  // The engine is part of the component.
  hash.update(readFileSync(createRequire(import.meta.url).resolve("componentize-qjs/package.json")));
  return hash.digest("hex").slice(0, 16);
}
