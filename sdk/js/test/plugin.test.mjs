// What hooks may return, what becomes of mistakes, what passes from one hook to the other, and how settings arrive.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import * as sandgate from "sandgate";
import { answer, finding, http, integer, list, log, on, oneOf, optional, plugin, record, refuse, replace, state, table, text } from "sandgate";
import { answerHttp, clear, grantState, postCall, preCall } from "sandgate/testing";

const pre = (run) => plugin({ preCall: on("tools/call", run) });
const post = (run) => plugin({ postCall: on("tools/call", run) });
beforeEach(clear);

test("a hook that returns nothing lets the call go on, and a refusal drops what was changed", () => {
  assert.equal(preCall(pre(() => {}), { name: "x" }).decision, "proceed");
  const outcome = preCall(pre((ctx, params) => {
    params.set("/name", "y");
    return refuse("no", "No.", { at: "/name", details: { retryAfterMs: 5 } });
  }), { name: "x" });
  assert.deepEqual([outcome.decision, outcome.after], ["refuse", { name: "x" }]);
  assert.deepEqual({ ...outcome.refusal }, { code: "no", message: "No.", pointer: "/name", details: '{"retryAfterMs":5}' });
});

test("a refusal that is not returned is a fault and not a pass, in that run alone", () => {
  const careless = pre((ctx, params) => {
    if (params.get("/x") !== undefined) refuse("no", "No.");
  });
  assert.match(preCall(careless, { x: 1 }).fault, /^Misuse: refuse\(…\) was called and its value not returned/);
  assert.equal(preCall(careless, {}).decision, "proceed");
});

test("an answer stands in for the server and only before the call", () => {
  assert.deepEqual(preCall(plugin({ preCall: on("tools/call", () => answer({ content: [] }), { type: "mutation" }) }), {}).after, { content: [] });
  assert.match(postCall(post(() => answer({})), {}).fault, /a hook returns nothing, refuse\(…\), replace\(…\); not object/);
  assert.deepEqual(postCall(post(() => replace({ content: [1] })), {}).after, { content: [1] });
});

test("a promise is no decision", () => {
  const promised = /^Misuse: a hook returned a promise: nothing waits for it, so a hook is no async function/;
  assert.match(preCall(pre(() => Promise.resolve(refuse("no", "No."))), {}).fault, promised);
  assert.match(preCall(pre(() => Promise.resolve()), {}).fault, promised);
  assert.throws(() => pre(async () => {}), /preCall: an async function is no hook, since nothing waits for its promise: leave out `async`/);
});

test("functions run in their order, each for its events", () => {
  const append = (word) => (ctx, reply) => void reply.mapTexts((old) => old + word);
  const several = plugin({ postCall: [on("tools/*", append("1")), on("prompts/get", append("never")), on("tools/call", append("2"))] });
  assert.deepEqual(postCall(several, { x: "a" }).after, { x: "a12" });
  assert.deepEqual(postCall(several, { x: "a" }, { method: "tools/list" }).after, { x: "a1" });
  assert.equal(postCall(several, { x: "a" }, { method: "resources/read" }).decision, "proceed");
});

test("a fault names type, file and line of the author's frames", () => {
  const inner = () => {
    throw new RangeError("jane@example.com");
  };
  const [first, ...frames] = preCall(pre(function outer() { inner(); }), {}).fault.split("\n");
  assert.equal(first, "RangeError: jane@example.com");
  assert.deepEqual(frames.map((frame) => frame.replace(/:\d+/, "")).slice(0, 2), ["  at plugin.test.mjs in inner", "  at plugin.test.mjs in outer"]);
  assert.match(preCall(pre(() => { throw "text"; }), {}).fault, /^a thrown string: text\n {2}at plugin\.test\.mjs:\d+/);
  assert.match(preCall(pre(function check(ctx, params) { params.set("/x", 1n); }), {}).fault, /^TypeError: .*\n {2}at plugin\.test\.mjs:\d+ in check/);
});

test("a note goes from the call to the reply", () => {
  const noted = plugin({
    preCall: on("tools/call", (ctx) => ctx.carry(sandgate.encode("note"))),
    postCall: on("tools/call", (ctx, reply) => reply.set("/note", sandgate.decode(ctx.carried))),
  });
  const { carried } = preCall(noted, {});
  assert.deepEqual(postCall(noted, {}, { carried }).after, { note: "note" });
});

test("the context is what the gateway says", () => {
  const seen = post((ctx, reply) => reply.set("/seen", [
    ctx.id, ctx.method, ctx.direction, ctx.server, ctx.target, ctx.session, ctx.principal, ctx.definition,
    ctx.params.get("/a"), ctx.failed, ctx.groups, ctx.attribute("client.name"), ctx.remaining,
  ]));
  const about = {
    target: "t", server: "s", session: "c", principal: "p", definition: { name: "t" }, params: { a: 1 }, failed: true,
    groups: ["g"], attributes: { "client.name": "n" },
  };
  assert.deepEqual(postCall(seen, { code: 1, message: "m" }, about).after.seen, [
    "test", "tools/call", "client-to-server", "s", "t", "c", "p", { name: "t" }, 1, true, ["g"], "n", 1000,
  ]);
});

test("what a hook reports is in the outcome", () => {
  const outcome = preCall(pre(() => {
    finding("rule", "words", { severity: "error", part: "params", at: "/x", details: [1] });
    log.info("line");
  }), {});
  assert.deepEqual(outcome.findings, [{ rule: "rule", severity: "error", part: "params", pointer: "/x", message: "words", details: "[1]" }]);
  assert.deepEqual(outcome.logs, [["info", "line"]]);
});

test("state counts, compares, forgets, and is denied without the grant", () => {
  assert.equal(state.increment("n", 5), 5);
  assert.deepEqual(state.get("n"), Uint8Array.of(5, 0, 0, 0, 0, 0, 0, 0));
  assert.equal(state.compareAndSet("x", Uint8Array.of(1), Uint8Array.of(2)), false);
  assert.equal(state.compareAndSet("x", undefined, Uint8Array.of(2)), true);
  state.delete("x");
  assert.equal(state.get("x"), undefined);
  state.set("y", Uint8Array.of(1), { ttlMs: 0 });
  assert.equal(state.get("y"), undefined);
  state.set("z", Uint8Array.of(1));
  assert.throws(() => state.increment("z"), { kind: "unavailable" });
  grantState(false);
  assert.match(preCall(pre(() => void state.get("x")), {}).fault, /^state\.Failure: the operator has not granted state/);
});

test("a plugin without hooks or events says what to write", () => {
  assert.throws(() => plugin({}), /give it a preCall/);
  assert.throws(() => plugin({ preCall: on([], () => {}) }), /preCall: name the MCP methods/);
  assert.throws(() => plugin({ preCall: on("x", () => {}, { type: "filter" }) }), /type is/);
  assert.throws(() => plugin({ preCall: [on("x", () => {}), on("y", () => {}, { type: "mutation" })] }), /give both the same/);
});

const fields = {
  maxBytes: integer({ default: 10, description: "Bytes.", schema: { minimum: 1 } }),
  mode: oneOf("mask", "drop"),
  rules: list(record({ name: text(), note: optional(text()) }), { default: [] }),
  names: table(text(), { default: {} }),
};

test("settings arrive typed, with their defaults", () => {
  let given;
  const made = plugin({ settings: fields, configure: (settings) => { given = settings; }, preCall: on("x", () => {}) });
  assert.deepEqual(made.configure({ mode: "drop", rules: [{ name: "r" }] }), []);
  assert.deepEqual(given, { maxBytes: 10, mode: "drop", rules: [{ name: "r", note: undefined }], names: {} });
  assert.deepEqual(made.schema.required, ["mode"]);
  assert.deepEqual(made.schema.properties["max-bytes"], { type: "integer", minimum: 1, description: "Bytes.", default: 10 });
});

test("what does not fit is told with its place and without its value", () => {
  const made = plugin({ settings: fields, preCall: on("x", () => {}) });
  for (const [given, pointer, message] of [
    [{ mode: "mask", maxBytes: 1 }, "/maxBytes", "unknown; known are max-bytes, mode, rules, names"],
    [{ mode: "mask", "max-bytes": 1.5 }, "/max-bytes", "a whole number is wanted"],
    [{ mode: "secret" }, "/mode", "one of these is wanted: mask, drop"],
    [{ mode: "mask", rules: [{ name: "r" }, {}] }, "/rules/1/name", "missing"],
    [{ mode: "mask", names: { "a/b": 1 } }, "/names/a~1b", "text is wanted"],
    [[], "", "a table is wanted"],
  ]) assert.deepEqual(made.configure(given), [{ pointer, message }]);
});

test("a request is answered by the test, and a large reply is refused", () => {
  clear();
  answerHttp("https://a.example/", { method: "POST", status: 201, headers: { "X-Seen": "yes" }, body: "12345" });
  const reply = http.post("https://a.example", "é");
  assert.deepEqual([reply.status, { ...reply.headers }, reply.text()], [201, { "x-seen": "yes" }, "12345"]);
  assert.throws(() => http.post("https://a.example/", "", { limit: 4 }), { kind: "too-large" });
  assert.throws(() => http.get("https://a.example/"), { kind: "refused", message: "connection-refused" });
  assert.throws(() => http.get("a.example"), TypeError);
  answerHttp("https://a.example/", { delay: 1000, fails: "cut" });
  assert.throws(() => http.get("https://a.example/", { timeout: 1000 }), { kind: "timed-out", message: "HTTP-response-timeout" });
  assert.throws(() => http.get("https://a.example/", { timeout: 1001 }), { kind: "cut" });
  assert.throws(() => http.get("https://a.example/"), { kind: "cut" });
  clear();
  assert.throws(() => http.post("https://a.example/", ""), http.Failure);
});
