import assert from "node:assert/strict";
import { test } from "node:test";
import { postCall, preCall } from "sandgate/testing";
import plugin from "./plugin.js";

test("addresses are masked and nothing else is touched", () => {
  const reply = { content: [{ type: "text", text: "Write to jane.doe@example.com." }, { type: "text", text: "or not" }] };
  const outcome = postCall(plugin, reply);
  assert.deepEqual(outcome.edits, [{ tag: "text", index: 0, text: "Write to [email]." }]);
});

test("rm -rf is refused and everything else goes on", () => {
  assert.equal(preCall(plugin, { name: "shell", arguments: { command: "rm -rf /" } }).refusal?.code, "command.destructive");
  assert.equal(preCall(plugin, { name: "shell", arguments: { command: "ls" } }).decision, "proceed");
});
