// What is wrong with a source is told with the author's line, before a component is made.
import assert from "node:assert/strict";
import { execSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { build, load } from "../dist/build.js";
import { checkTypes } from "../dist/types.js";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const template = join(process.env.SANDGATE_REPOSITORY, "runtime/authoring/src/templates/ts");
const folder = mkdtempSync(join(tmpdir(), "sandgate-author-"));
after(() => rmSync(folder, { recursive: true }));
mkdirSync(join(folder, "node_modules"));
for (const name of ["typescript", "@types", "@typescript", "esbuild"]) symlinkSync(join(root, "node_modules", name), join(folder, "node_modules", name));
symlinkSync(root, join(folder, "node_modules/sandgate"));
writeFileSync(join(folder, "plugin.toml"), 'name = "x"\nversion = "0.1.0"\n\n[hooks.pre-call]\ntype = "validation"\nevents = ["tools/call"]\n');
writeFileSync(join(folder, "tsconfig.json"), readFileSync(join(template, "tsconfig.json")));

const HEAD = 'import { on, plugin, refuse } from "sandgate";\n';
const source = (text) => writeFileSync(join(folder, "plugin.ts"), text);

test("an async hook is refused with its line and the reason", async () => {
  source(`${HEAD}\nconst check = async () => {\n  refuse("no", "No.");\n};\n\nexport default plugin({\n  preCall: on("tools/call", check as never),\n});\n`);
  await assert.rejects(load(folder), /^Error: plugin\.ts:3: preCall: an async function is no hook, since nothing waits for its promise/);
});

test("what is thrown when the source is loaded is told with the author's lines", async () => {
  source(`${HEAD}import { broken } from "./helper";\n\nexport default plugin({ preCall: on("tools/call", broken()) });\n`);
  writeFileSync(join(folder, "helper.ts"), 'interface Nothing {}\n\nexport function broken(): never {\n  throw new RangeError("at once");\n}\n');
  await assert.rejects(load(folder), /plugin\.ts does not load: RangeError: at once\n {2}at helper\.ts:4 in broken\n {2}at plugin\.ts:4$/);
});

test("what does not load in QuickJS alone is told with the author's lines", async () => {
  source(`${HEAD}\nif (typeof process === "undefined") {\n  throw new RangeError("not here");\n}\nexport default plugin({ preCall: on("tools/call", () => {}) });\n`);
  rmSync(join(folder, "tsconfig.json"));
  await assert.rejects(build(folder), /plugin\.ts does not load in QuickJS: [\s\S]*not here[\s\S]*\n {2}at plugin\.ts:4$/);
  writeFileSync(join(folder, "tsconfig.json"), readFileSync(join(template, "tsconfig.json")));
});

test("modules of Node's are refused with what to take, where they are imported", async () => {
  for (const [name, advice] of [
    ["node:crypto", /crypto is a module of Node's, and a plugin runs without Node: take `random\.bytes`/],
    ["fs/promises", /fs\/promises is a module of Node's.*a component has no files/],
    ["node:vm", /vm is a module of Node's, and a plugin runs without Node\n/],
  ]) {
    source(`${HEAD}import * as other from "${name}";\nexport default plugin({ preCall: on("tools/call", () => void other) });\n`);
    await assert.rejects(load(folder), (error) => {
      assert.match(error.message, advice);
      assert.match(error.message, /plugin\.ts:2:23:/);
      return true;
    });
  }
});

test("types are checked, with the line that is wrong", async () => {
  source(`${HEAD}\nconst n: number = "x";\nexport default plugin({ preCall: on("tools/call", () => (n > 1 ? refuse("no", "No.") : undefined)) });\n`);
  await assert.rejects(build(folder), /^Error: plugin\.ts:3:7: error TS2322: Type 'string' is not assignable to type 'number'\.$/);
  source(`${HEAD}\nexport default plugin({ preCall: on("tools/call", async () => {}) });\n`);
  await assert.rejects(checkTypes(folder), /plugin\.ts:3:\d+: error TS2\d+/);
  source(`${HEAD}\nsetTimeout(() => process.exit(), 1);\nexport default plugin({ preCall: on("tools/call", () => {}) });\n`);
  await assert.rejects(checkTypes(folder), /plugin\.ts:3:1: error TS2\d+: Cannot find name 'setTimeout'[\s\S]*Cannot find name 'process'/);
});

test("what a component has beside the language is known to the checker", async () => {
  source(`${HEAD}
export default plugin({
  preCall: on("tools/call", (ctx, params) => {
    console.warn(new URL("https://a.example/?x=1").searchParams.get("x"), new TextEncoder().encode("x").length);
    const copy: { a: number } = structuredClone({ a: crypto.getRandomValues(new Uint8Array(1)).length });
    if (copy.a > 1 && params.get("/name") === ctx.target) return refuse("no", "No.");
  }),
});
`);
  await checkTypes(folder);
});

test("the test script of a new project takes a second file along", () => {
  source(`${HEAD}import { word } from "./helper";\n\nexport default plugin({ preCall: on("tools/call", () => refuse("no", word)) });\n`);
  writeFileSync(join(folder, "helper.ts"), 'export const word: string = "from the second file";\n');
  writeFileSync(join(folder, "plugin.test.mjs"), `import assert from "node:assert/strict";
import { test } from "node:test";
import { preCall } from "sandgate/testing";
import plugin from "./target/plugin.js";
test("it", () => assert.equal(preCall(plugin, {}).refusal.message, "from the second file"));
`);
  const { scripts } = JSON.parse(readFileSync(join(template, "package.json")));
  // Not as a part of this run.
  const { NODE_TEST_CONTEXT: _, ...others } = process.env;
  const env = { ...others, PATH: `${join(root, "node_modules/.bin")}:${process.env.PATH}` };
  const out = execSync(scripts.test, { cwd: folder, env, encoding: "utf8" });
  assert.match(out, /pass 1/);
});

test("what the manifest does not ask for is not granted, and what it says else of the hooks fails the test", () => {
  source(`import { http, on, plugin, state } from "sandgate";
export default plugin({ preCall: on("tools/call", (ctx, params) => void (params.get("/x") ? state.get("x") : http.get("https://a.example/"))) });
`);
  writeFileSync(join(folder, "plugin.test.mjs"), `import assert from "node:assert/strict";
import { test } from "node:test";
import { readFileSync, writeFileSync } from "node:fs";
import { preCall } from "sandgate/testing";
import plugin from "./target/plugin.js";
test("it", () => {
  assert.match(preCall(plugin, { x: 1 }).fault, /plugin.toml does not ask for state: add it to \\[asks\\]\\n  at plugin.ts:2/);
  assert.match(preCall(plugin, {}).fault, /plugin.toml does not ask for http: add it to/);
  const manifest = readFileSync("plugin.toml", "utf8");
  writeFileSync("plugin.toml", manifest.replace("validation", "mutation"));
  assert.throws(() => preCall(plugin, {}), /.hooks. is not what the source has/);
  writeFileSync("plugin.toml", manifest);
});
`);
  const { scripts } = JSON.parse(readFileSync(join(template, "package.json")));
  const { NODE_TEST_CONTEXT: _, ...others } = process.env;
  try {
    execSync(scripts.test, { cwd: folder, env: { ...others, PATH: `${join(root, "node_modules/.bin")}:${process.env.PATH}` }, encoding: "utf8", stdio: "pipe" });
  } catch (error) {
    throw new Error(error.stdout + error.stderr);
  }
});

test("where typescript is missing it is said how to have it", async () => {
  rmSync(join(folder, "node_modules/typescript"));
  await assert.rejects(checkTypes(folder), /tsconfig\.json is there, and typescript, which checks the types, is not installed: npm install/);
});
