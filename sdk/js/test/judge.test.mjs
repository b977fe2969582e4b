// The double judges a decision as the gateway does, in its words.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { beforeEach, test } from "node:test";
import { answer, finding, http, log, on, plugin, refuse, replace, state } from "sandgate";
import { clear, configure, postCall, preCall } from "sandgate/testing";
import { Answer, Refusal, Replacement } from "../dist/decision.js";
import { judge } from "../dist/testing/judge.js";
import { Memory } from "../dist/testing/memory.js";
import { Stopped } from "../dist/testing/stop.js";

const VALIDATION = "malformed: a validation may only proceed or refuse";
const pre = (run, more) => plugin({ preCall: on("*", run, more) });
beforeEach(clear);

const EDITS = {
  set: ([pointer, json]) => ({ tag: "set", pointer, json }),
  remove: (pointer) => ({ tag: "remove", pointer }),
  text: ([index, text]) => ({ tag: "text", index, text }),
};

function decided(said) {
  if (said === "proceed") return [];
  const [[word, value]] = Object.entries(said);
  if (word === "edit") return value.flatMap((edit) => Object.entries(edit).map(([kind, given]) => EDITS[kind](given)));
  if (word === "refuse") return new Refusal(value.code, value.message, null, null);
  return word === "answer" ? new Answer(value) : new Replacement(value);
}

test("decisions are judged as the gateway judges them", () => {
  for (const { role, document, decision, becomes, notification = false, failed = false } of JSON.parse(readFileSync(`${process.env.SANDGATE_REPOSITORY}/sdk/judgements.json`))) {
    let made;
    try {
      const { decision: word, after } = judge(role, new Memory(document), decided(decision), { request: !notification, failed });
      made = { decision: word, ...(becomes.document === undefined ? {} : { document: after }) };
    } catch (thrown) {
      if (!(thrown instanceof Stopped)) throw thrown;
      made = { failure: thrown.kind, says: thrown.message };
    }
    const wanted = becomes.document === undefined ? becomes : { ...becomes, document: JSON.parse(becomes.document) };
    assert.deepEqual(made, wanted, JSON.stringify(decision));
  }
});

test("a validation that changes, replaces or answers fails as in the gateway, with a line", () => {
  for (const run of [(ctx, params) => params.set("/name", "y"), () => replace({}), () => answer({})]) {
    const outcome = preCall(pre(run), { name: "x" });
    assert.deepEqual([outcome.decision, outcome.after], ["fault", { name: "x" }]);
    const [first, where] = outcome.fault.split("\n");
    assert.equal(first, VALIDATION);
    assert.match(where, /^ {2}at judge\.test\.mjs:\d+/);
  }
});

test("a notification is not answered, and an answer is an object", () => {
  const stand = pre((ctx) => answer(ctx.method === "tools/call" ? [] : {}), { type: "mutation" });
  assert.match(preCall(stand, {}).fault, /^malformed: an answer must be an object/);
  assert.match(preCall(stand, {}, { method: "notifications/progress" }).fault, /^malformed: a notification cannot be answered/);
});

test("a note has a size, is for the post-call, and no hook catches the end of its run", () => {
  const noted = pre((ctx) => {
    ctx.carry(new Uint8Array(64 << 10));
    assert.equal(ctx.carried, undefined);
    try {
      ctx.carry(new Uint8Array((64 << 10) + 1));
    } catch {
      // As an author would.
    }
  });
  assert.match(preCall(noted, {}).fault, /^quota: went over its quota of bytes carried to the post-call\n {2}at judge/);
});

test("findings and lines have their sizes", () => {
  const { findings, logs } = preCall(pre(() => {
    for (let index = 0; index < 258; index += 1) finding("r".repeat(2000), "m");
    for (let index = 0; index < 40; index += 1) log.info("x".repeat(2000));
  }), {});
  assert.deepEqual([findings.length, findings[0].rule], [257, `${"r".repeat(1024)}…`]);
  assert.deepEqual([findings.at(-1).rule, findings.at(-1).message], ["sandgate.findings-cut", "more than 256 findings; the rest is left out"]);
  assert.deepEqual([logs.length, logs[0][1], logs.at(-1)[1]], [32, `${"x".repeat(1024)}…`, "… (the rest of this run's log is left out)"]);
  assert.match(preCall(pre(() => finding("r", "m", { details: "x".repeat(5000) })), {}).fault, /^quota: went over its quota of bytes of a finding's details/);
});

test("the state has room for so much, and none in configure", () => {
  const quota = { kind: "quota" };
  assert.throws(() => state.set("k".repeat(1025), new Uint8Array()), quota);
  assert.throws(() => state.set("k", new Uint8Array((1 << 20) + 1)), quota);
  for (let index = 0; index < 15; index += 1) state.set(`${index}`, new Uint8Array(1 << 20));
  assert.throws(() => state.set("more", new Uint8Array(1 << 20)), quota);
  const prepared = plugin({
    configure: () => {
      assert.throws(() => state.get("0"), { kind: "denied" });
      assert.throws(() => http.get("https://a.example/"), { kind: "denied" });
    },
    postCall: on("tools/call", () => {}),
  });
  assert.deepEqual(configure(prepared), []);
  assert.notEqual(state.get("0"), undefined);
  assert.equal(postCall(prepared, {}).decision, "proceed");
});

test("long words of a refusal are cut", () => {
  const { refusal } = preCall(pre(() => refuse("c".repeat(200), "é".repeat(2000), { at: `/${"p".repeat(1024)}` })), {});
  assert.deepEqual([refusal.code.length, refusal.message.length, refusal.pointer], [128, 1024, null]);
});
