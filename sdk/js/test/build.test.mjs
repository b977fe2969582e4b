// From a folder to a component: the manifest is the source's, mistakes are told clearly.
import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { build, load } from "../dist/build.js";
import { check, write } from "../dist/manifest.js";
import { giveBackInTime, UnknownShape } from "../dist/patch.js";
import { decodeMappings } from "../dist/sourcemap.js";

const odd = join(dirname(fileURLToPath(import.meta.url)), "odd");
const folder = mkdtempSync(join(tmpdir(), "sandgate-test-"));
after(() => rmSync(folder, { recursive: true }));
cpSync(odd, folder, { recursive: true });
const source = readFileSync(join(folder, "plugin.ts"), "utf8");

test("a component has the manifest at its end", async () => {
  const file = await build(folder);
  const bytes = readFileSync(file);
  const manifest = JSON.parse(bytes.subarray(bytes.lastIndexOf("sandgate:manifest") + 17).toString());
  assert.equal(manifest.name, "odd");
  assert.deepEqual(manifest.hooks["pre-call"], { type: "validation", events: ["tools/call"] });
  assert.deepEqual(manifest.settings.properties.word, { type: "string", default: "x" });
});

test("what the source changed since is told and put right", async () => {
  writeFileSync(join(folder, "plugin.ts"), source.replace('default: "x"', 'default: "y"').replace('events: "tools/call"', 'events: ["tools/call", "prompts/get"]'));
  const plugin = await load(folder);
  assert.throws(() => check(folder, plugin), /plugin\.toml: `hooks` is not what the source has: .*manifest --write/);
  write(folder, plugin);
  assert.deepEqual(check(folder, plugin).hooks["pre-call"].events, ["tools/call", "prompts/get"]);
  assert.equal(JSON.parse(readFileSync(join(folder, "settings.schema.json"))).properties.word.default, "y");
  const written = readFileSync(join(folder, "plugin.toml"), "utf8");
  write(folder, plugin);
  assert.equal(readFileSync(join(folder, "plugin.toml"), "utf8"), written);
});

test("a source that is no plugin says why", async () => {
  for (const [text, says] of [
    ["x = (", /plugin\.ts:1:5/],
    ['import "nothing-of-this-name";', /Could not resolve "nothing-of-this-name"/],
    ["export default 1;", /exports no plugin/],
    ['throw new Error("at once");', /plugin\.ts does not load: Error: at once/],
  ]) {
    writeFileSync(join(folder, "plugin.ts"), text);
    await assert.rejects(load(folder), says);
  }
  rmSync(join(folder, "plugin.ts"));
  await assert.rejects(load(folder), /plugin\.ts is missing/);
});

test("a component of another shape is not patched", () => {
  assert.throws(() => giveBackInTime(Uint8Array.of(0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0)), UnknownShape);
});

test("mappings of a source map are read", () => {
  assert.deepEqual(decodeMappings("AAAA,IACE;;ADDA"), [
    [{ column: 0, source: 0, line: 1 }, { column: 4, source: 0, line: 2 }], [], [{ column: 0, source: -1, line: 1 }],
  ]);
});
