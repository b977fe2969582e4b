import assert from "node:assert/strict";
import { test } from "node:test";
import { preCall } from "sandgate/testing";
import plugin from "./target/plugin.js";

test("only admins delete", () => {
  const params = { name: "delete_note", arguments: { id: 7 } };
  const refused = preCall(plugin, params, { target: "delete_note", groups: ["staff"] });
  assert.equal(refused.refusal?.code, "delete.forbidden");
  const allowed = preCall(plugin, params, { target: "delete_note", groups: ["admins"] });
  assert.equal(allowed.decision, "proceed");
});
