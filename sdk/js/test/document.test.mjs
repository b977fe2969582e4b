// Changes leave as the smallest edits, and what cannot be is refused where the author sees it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { decode, encode } from "sandgate";
import { document } from "sandgate/testing";
import { apply, Memory } from "../dist/testing/memory.js";

const REPLY = { content: [{ type: "text", text: "ä😀" }, { type: "text", text: "b\nc" }], n: null };

test("texts are parted where they end", () => {
  assert.deepEqual(document(REPLY).texts(), ["ä😀", "b\nc"]);
  assert.deepEqual(document({ a: "", b: "x\ny", c: "€" }).texts(), ["", "x\ny", "€"]);
  assert.deepEqual(document({ a: "", b: "x\ny", c: "" }).texts(), ["", "x\ny", ""]);
  assert.deepEqual(document({}).texts(), []);
});

test("only texts that change are edited, and one changed back is no edit", () => {
  const reply = document(REPLY);
  assert.equal(reply.mapTexts((text) => text.replace("c", "d")), 1);
  reply.setText(0, "x");
  reply.setText(0, "ä😀");
  assert.deepEqual(reply.edits(), [{ tag: "text", index: 1, text: "b\nd" }]);
});

test("one change of texts sees what the one before it left", () => {
  const reply = document(REPLY);
  reply.mapTexts((text) => `${text}!`);
  reply.mapTexts((text) => `${text}?`);
  assert.deepEqual(reply.texts(), ["ä😀!?", "b\nc!?"]);
});

test("strings are changed by their pointers", () => {
  const reply = document({ "a/b": ["x", 1], type: "x" });
  reply.mapStrings(() => "y");
  assert.deepEqual(reply.edits().map(({ pointer }) => pointer), ["/a~1b/0", "/type"]);
});

test("null is something and nothing is not", () => {
  const reply = document(REPLY);
  assert.equal(reply.get("/n"), null);
  assert.equal(reply.get("/m"), undefined);
  assert.throws(() => reply.remove("/m"), /nothing stands at/);
  assert.equal(document('{"n":1.50}').raw("/n"), "1.50");
});

test("becoming another value edits what differs", () => {
  const reply = document({ a: [1, { b: true }], c: "x", d: [1], __proto__x: 1 });
  reply.become({ a: [1, { b: 1 }], d: [1, 2], "e~": null, __proto__x: 1 });
  assert.deepEqual(reply.edits(), [
    { tag: "set", pointer: "/a/1/b", json: "1" },
    { tag: "set", pointer: "/d", json: "[1,2]" },
    { tag: "set", pointer: "/e~0", json: "null" },
    { tag: "remove", pointer: "/c" },
  ]);
});

test("edits that overlap are refused at once", () => {
  const reply = document({ a: { b: 1 }, t: "x" });
  reply.set("/a/b", 2);
  reply.set("/a/b", 3);
  assert.throws(() => reply.set("/a", 4), /"\/a" overlaps/);
  reply.setText(0, "y");
  reply.set("/t", "z");
  assert.throws(() => reply.edits(), /text 0 stands within "\/t"/);
});

test("what is no text or cannot be written is refused", () => {
  const reply = document(REPLY);
  assert.throws(() => reply.setText(0, 1), /a string is wanted, not number/);
  assert.throws(() => reply.setText(0, "\ud800"), /lone surrogate/);
  assert.throws(() => reply.set("/n", Number.NaN), /JSON has no NaN/);
  assert.throws(() => reply.set("/n", undefined), /JSON has no undefined/);
  assert.throws(() => reply.set("n", 1), /begins with/);
  assert.throws(() => reply.setText(2, "x"), RangeError);
});

test("elements are removed by their places before", () => {
  const edits = [{ tag: "remove", pointer: "/1" }, { tag: "remove", pointer: "/2" }, { tag: "set", pointer: "/-", json: "4" }];
  assert.deepEqual(apply(new Memory("[0,1,2,3]"), edits), [0, 3, 4]);
});

test("what is no JSON is no document", () => {
  for (const text of ["", "{", '{"a":1,"a":2}', "[1,]", "01", '"\n"', "nul", "1 2"]) assert.throws(() => document(text), SyntaxError);
});

test("UTF-8 goes there and back", () => {
  for (const text of ["", "abc", "é€😀\u{7ff}\u{800}\u{ffff}\u{10000}"]) {
    assert.deepEqual(encode(text), new Uint8Array(Buffer.from(text)));
    assert.equal(decode(encode(text)), text);
  }
  assert.throws(() => decode(Uint8Array.of(0xff)), URIError);
});
