/** The author's types, checked by the TypeScript that is installed in the project. */

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join as path, resolve } from "node:path";
import { NotBuilt } from "./manifest.js";

const CONFIG = "tsconfig.json";

/**
 * Runs `tsc --noEmit` in a folder that has a `tsconfig.json`; what is wrong is thrown as `FILE:LINE:COLUMN: error …`. A folder
 * without one is plain JavaScript, or is checked by somebody else.
 */
export async function checkTypes(folder: string): Promise<void> {
  if (!existsSync(path(folder, CONFIG))) return;
  const tsc = resolve(folder, "node_modules/typescript/bin/tsc");
  if (!existsSync(tsc)) {
    throw new NotBuilt(`${path(folder, CONFIG)} is there, and typescript, which checks the types, is not installed: npm install (and \`"typescript"\` among the devDependencies of package.json)`);
  }
  const said = await new Promise<string | undefined>((done) => {
    execFile(process.execPath, [tsc, "--noEmit", "--pretty", "false", "--project", CONFIG], { cwd: folder, maxBuffer: 16 << 20 }, (error, out, err) =>
      done(error === null ? undefined : `${out}${err}` || error.message));
  });
  if (said !== undefined) throw new NotBuilt(said.replaceAll(/^([^\s(][^(\n]*)\((\d+),(\d+)\): /gm, "$1:$2:$3: ").trimEnd());
}
