// The package against what it stands for: its copy of the contract, its documents in memory.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Memory } from "../dist/testing/memory.js";

const repository = process.env.SANDGATE_REPOSITORY;
const read = (path) => readFileSync(`${repository}/${path}`, "utf8");

test("the copy of the contract is the contract", () => {
  assert.equal(read("sdk/js/wit/deps/interceptor/interceptor.wit"), read("wit/interceptor.wit"), "cp wit/interceptor.wit sdk/js/wit/deps/interceptor/");
});

test("documents in memory read as the gateway's do", () => {
  for (const reading of JSON.parse(read("sdk/readings.json"))) {
    const document = new Memory(reading.json);
    for (const name of ["texts", "strings", "keys"]) assert.deepEqual(document[name](), reading[name], reading.json);
    for (const [name, pointers] of [["textPointer", reading.textPointers], ["stringPointer", reading.stringPointers]]) {
      assert.deepEqual([...pointers.keys(), pointers.length].map((index) => document[name](index)), [...pointers, undefined]);
    }
    for (const pointer of reading.stringPointers) assert.equal(typeof JSON.parse(document.get(pointer)), "string");
  }
});
