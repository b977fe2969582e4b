#!/usr/bin/env node
/**
 * `sandgate-plugin build [DIR]` makes a component of the plugin in a folder: its source is `plugin.ts`, its manifest
 * `plugin.toml`. `sandgate-plugin manifest [DIR]` prints the manifest as JSON; with `--write`, puts the source's hooks and
 * settings into `plugin.toml` first. `sandgate-plugin types [DIR]` checks the types, as `build` does. `sandgate-plugin dev` prints
 * where the interpreter lies and what it is to be given.
 */

import { parseArgs } from "node:util";
import { build, load } from "./build.js";
import { made } from "./dev.js";
import { check, NotBuilt, write } from "./manifest.js";
import { checkTypes } from "./types.js";

const USAGE = `usage: sandgate-plugin build [DIR] [-o FILE] [--bare]
       sandgate-plugin manifest [DIR] [--write]
       sandgate-plugin types [DIR]
       sandgate-plugin dev [DIR] --interpreters FOLDER`;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { output: { type: "string", short: "o" }, bare: { type: "boolean" }, write: { type: "boolean" }, interpreters: { type: "string" } },
  });
  const [verb, folder = "."] = positionals;
  if (verb === "build") {
    console.log(await build(folder, values.output, values.bare));
  } else if (verb === "manifest") {
    const plugin = await load(folder);
    if (values.write) write(folder, plugin);
    console.log(JSON.stringify(check(folder, plugin), null, 2));
  } else if (verb === "types") {
    await checkTypes(folder);
  } else if (verb === "dev" && values.interpreters !== undefined) {
    // What `sandgate plugin dev` runs: the source and what interprets it.
    console.log(JSON.stringify(await made(folder, values.interpreters)));
  } else {
    console.error(USAGE);
    return 2;
  }
  return 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof NotBuilt) && !(error instanceof TypeError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
