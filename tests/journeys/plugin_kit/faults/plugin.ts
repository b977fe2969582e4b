/** Fails in the way that the call asks for, and repeats the call in what it says of it. */

import { type Document, on, plugin, state } from "sandgate";

class Broken extends Error {
  override readonly name = "Broken";
}

interface Deep {
  n: number;
}

function deeper(deep: Deep): number {
  return deeper({ n: deep.n + 1 }) + deep.n;
}

function fail(how: unknown, params: Document): void {
  const text = JSON.stringify(params.json());
  if (how === "throw") throw new RangeError(text);
  if (how === "own") throw new Broken(text);
  if (how === "string") throw text;
  if (how === "library") JSON.parse(text + "}");
  if (how === "undefined") (undefined as unknown as Deep).n += 1;
  if (how === "denied") state.increment("calls");
  if (how === "recursion") deeper({ n: 0 });
}

export default plugin({
  preCall: on("tools/call", (ctx, params) => {
    fail(params.get("/arguments/how"), params);
    if (params.get("/arguments/how") === "decision") return params.json() as never;
  }),
});
