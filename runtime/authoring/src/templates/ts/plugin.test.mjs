import assert from "node:assert/strict";
import { test } from "node:test";
{{#pre}}
import { preCall } from "sandgate/testing";
{{/pre}}
{{#post}}
import { postCall } from "sandgate/testing";
{{/post}}
import plugin from "./target/plugin.js";
{{#post}}

test("addresses are masked", () => {
  const outcome = postCall(plugin, { content: [{ type: "text", text: "Write to jane.doe@example.com." }] });
  assert.deepEqual(outcome.after, { content: [{ type: "text", text: "Write to [email]." }] });
});
{{/post}}
{{#pre}}

test("rm -rf is refused", () => {
  const outcome = preCall(plugin, { name: "shell", arguments: { command: "rm -rf /" } });
  assert.equal(outcome.refusal?.code, "command.destructive");
});
{{/pre}}
