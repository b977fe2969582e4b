import assert from "node:assert/strict";
import { test } from "node:test";
import { configure, preCall } from "sandgate/testing";
import plugin from "./target/plugin.js";

const definition = {
  name: "upload",
  inputSchema: {
    type: "object",
    properties: { due: { type: "string", format: "date" }, limit: { type: "integer" } },
    required: ["due"],
  },
};

const called = (given) => preCall(plugin, { name: "upload", arguments: given }, { target: "upload", definition });

test("dates and sizes become what the schema wants", () => {
  assert.deepEqual(configure(plugin), []);
  const outcome = called({ due: "3.4.2026", limit: "1.5 MB" });
  assert.deepEqual(outcome.after.arguments, { due: "2026-04-03", limit: 1500000 });
  assert.deepEqual(called({ due: "03/04/2026", limit: "2KiB" }).after.arguments, { due: "2026-04-03", limit: 2048 });
  assert.deepEqual(configure(plugin, { "day-first": false }), []);
  assert.deepEqual(called({ due: "03/04/2026" }).after.arguments, { due: "2026-03-04" });
});

test("what does not fit is refused, and what fits stays as it is", () => {
  assert.deepEqual(configure(plugin), []);
  assert.equal(called({ due: "31.2.2026" }).refusal?.pointer, "/arguments/due");
  assert.equal(called({ limit: 1 }).refusal?.code, "arguments.unfit");
  assert.equal(called({ due: "2026-04-03", limit: 5 }).decision, "proceed");
  assert.equal(preCall(plugin, { name: "x" }).decision, "proceed");
});
