/** JSON as the gateway reads it: members in their order, each value with its text as it stands. */

import { encode } from "../bytes.js";

/** A value: its text, and what it holds. */
export interface Tree {
  text: string;
  /** Where the text begins and ends. */
  start: number;
  end: number;
  kind: "object" | "array" | "string" | "other";
  string: string;
  members: [string, Tree][];
  elements: Tree[];
}

/** The member of an object. */
export function member(tree: Tree, name: string): Tree | undefined {
  return tree.members.find(([key]) => key === name)?.[1];
}

/** Reads a JSON text; refuses what is none, duplicate members, and more levels than `deepest`. */
export function parse(text: string, deepest?: number): Tree {
  if (deepest !== undefined) checkDepth(text, deepest);
  const reader = new Reader(text);
  reader.space();
  const tree = reader.value();
  reader.space();
  if (reader.at !== text.length) throw new SyntaxError(`no JSON: something follows at ${reader.at}`);
  return tree;
}

function checkDepth(text: string, deepest: number): void {
  let depth = 0;
  for (const { 0: mark, index } of text.matchAll(/"(?:[^"\\\x00-\x1f]|\\.)*"|[[\]{}]/g)) {
    if (mark === "]" || mark === "}") depth -= 1;
    if (mark !== "[" && mark !== "{") continue;
    depth += 1;
    if (depth > deepest) throw new SyntaxError(`nested deeper than ${deepest} at byte ${encode(text.slice(0, index)).length}`);
  }
}

class Reader {
  at = 0;
  constructor(private readonly text: string) {}

  space(): void {
    this.#take(/[ \t\n\r]*/y);
  }

  value(): Tree {
    const start = this.at;
    const tree: Tree = { text: "", start, end: start, kind: "other", string: "", members: [], elements: [] };
    const first = this.text[start];
    if (first === "{") {
      tree.kind = "object";
      this.#items("}", () => {
        const name = this.#string();
        this.space();
        if (this.#take(/:/y) === undefined || member(tree, name) !== undefined) throw this.#trouble();
        this.space();
        tree.members.push([name, this.value()]);
      });
    } else if (first === "[") {
      tree.kind = "array";
      this.#items("]", () => void tree.elements.push(this.value()));
    } else if (first === '"') {
      tree.kind = "string";
      tree.string = this.#string();
    } else if (this.#take(/-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y) === undefined) throw this.#trouble();
    tree.end = this.at;
    tree.text = this.text.slice(start, this.at);
    return tree;
  }

  #items(end: string, item: () => void): void {
    this.at += 1;
    this.space();
    if (this.text[this.at] === end) {
      this.at += 1;
      return;
    }
    for (;;) {
      item();
      this.space();
      const next = this.text[this.at];
      this.at += 1;
      if (next === end) return;
      if (next !== ",") throw this.#trouble();
      this.space();
    }
  }

  #string(): string {
    const found = this.#take(/"(?:[^"\\\x00-\x1f]|\\.)*"/y);
    if (found === undefined) throw this.#trouble();
    return JSON.parse(found) as string;
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0];
    this.at += found?.length ?? 0;
    return found;
  }

  #trouble(): SyntaxError {
    return new SyntaxError(`no JSON at ${this.at}`);
  }
}
