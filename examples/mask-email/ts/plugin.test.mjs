import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { postCall, preCall } from "sandgate/testing";
import { parse } from "smol-toml";
import plugin from "./plugin.js";

const fixtures = new URL("../fixtures/", import.meta.url);

test("the shared fixtures come to the decisions that they expect", () => {
  const files = readdirSync(fixtures);
  assert.equal(files.length, 200);
  for (const name of files) {
    const { hook, event, params, reply, expect } = parse(readFileSync(new URL(name, fixtures), "utf8"));
    const outcome = (hook === "pre-call" ? preCall : postCall)(plugin, params ?? reply, { method: event });
    assert.equal(outcome.decision, expect.decision, name);
    if (expect.document !== undefined) assert.deepEqual(outcome.after, JSON.parse(expect.document), name);
    if (expect.refusal !== undefined) {
      assert.deepEqual([outcome.refusal?.code, outcome.refusal?.message], [expect.refusal.code, expect.refusal.message], name);
    }
  }
});

test("addresses are masked and nothing else is touched", () => {
  const reply = { content: [{ type: "text", text: "Write to jane.doe@example.com." }, { type: "text", text: "or not" }] };
  const outcome = postCall(plugin, reply);
  assert.deepEqual(outcome.edits, [{ tag: "text", index: 0, text: "Write to [email]." }]);
});

test("rm -rf is refused and everything else goes on", () => {
  assert.equal(preCall(plugin, { name: "shell", arguments: { command: "rm -rf /" } }).refusal?.code, "command.destructive");
  assert.equal(preCall(plugin, { name: "shell", arguments: { command: "ls" } }).decision, "proceed");
});
