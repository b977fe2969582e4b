// Every example in the documentation runs, and its types hold.
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { transformSync } from "esbuild";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const sources = [...readdirSync(join(root, "src"), { recursive: true }).map((file) => `src/${file}`), "README.md"].filter((file) => /\.(ts|md)$/.test(file));
const examples = sources.flatMap((file) => {
  const text = readFileSync(join(root, file), "utf8").replace(/^ \* ?/gm, "");
  return [...text.matchAll(/```ts\n(.*?)```/gs)].map(([, code], index) => ({ name: `${file} ${index + 1}`, code }));
});
const folder = join(root, "test", "examples");
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder);
const head = 'import assert from "node:assert/strict";\n';

for (const [index, { name, code }] of examples.entries()) {
  test(`the example of ${name} runs`, async () => {
    const file = join(folder, `${index}.mjs`);
    writeFileSync(file, transformSync(head + code, { loader: "ts", format: "esm" }).code);
    await import(file);
  });
}

test("the types of examples and plugins hold", () => {
  const files = examples.map(({ code }, index) => {
    const file = join(folder, `${index}.ts`);
    writeFileSync(file, `${head}void assert;\n${code}`);
    return file;
  });
  const options = ["--ignoreConfig", "--noEmit", "--strict", "--module", "nodenext", "--target", "es2022", "--types", "node"];
  const tsc = join(root, "node_modules/.bin/tsc");
  try {
    execFileSync(tsc, [...options, ...files, join(root, "test/odd/plugin.ts")], { cwd: root, encoding: "utf8" });
  } catch (error) {
    throw new Error(error.stdout);
  }
});
