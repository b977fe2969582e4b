/** A document in memory, which reads as the gateway's does. */

import { encode } from "../bytes.js";
import type { Edit } from "../decision.js";
import type { Source, TextRun } from "../document.js";
import type { Json } from "../json.js";
import { position, tokens } from "../pointer.js";
import { keys, strings, texts } from "./reading.js";
import { member, parse, type Tree } from "./tree.js";

/** The contract's resource `document`. */
export class Memory implements Source {
  readonly #root: Tree;

  constructor(text: string) {
    this.#root = parse(text);
  }

  size(): number {
    return encode(this.#root.text).length;
  }

  json(): string {
    return this.#root.text;
  }

  get(pointer: string): string | undefined {
    if (pointer !== "" && !pointer.startsWith("/")) return undefined;
    let value: Tree | undefined = this.#root;
    for (const token of tokens(pointer)) {
      if (value === undefined) return undefined;
      const index: number | undefined = value.kind === "array" ? position(token) : undefined;
      value = index === undefined ? member(value, token) : value.elements[index];
    }
    return value?.text;
  }

  texts(): TextRun {
    return run(texts(this.#root).map(([, text]) => text));
  }

  strings(): TextRun {
    return run(strings(this.#root).map(([, text]) => text));
  }

  keys(): TextRun {
    return run(keys(this.#root));
  }

  textPointer(index: number): string | undefined {
    return texts(this.#root)[index]?.[0];
  }

  stringPointer(index: number): string | undefined {
    return strings(this.#root)[index]?.[0];
  }
}

/** The document as these edits leave it; an error where the gateway would call an edit a malfunction. */
export function apply(memory: Memory, edits: readonly Edit[]): Json {
  const root = { value: JSON.parse(memory.json()) as Json };
  const placed = edits.map((edit) => {
    const pointer = edit.tag === "text" ? memory.textPointer(edit.index) : edit.pointer;
    if (pointer === undefined) throw new RangeError("there are fewer texts");
    return { path: tokens(pointer), edit };
  });
  // Removals of an array's elements from its end: indexes refer to the document as it was handed over.
  const removals = placed.filter(({ edit }) => edit.tag === "remove").sort((a, b) => order(b.path, a.path));
  for (const { path, edit } of [...placed.filter(({ edit }) => edit.tag !== "remove"), ...removals]) change(root, path, edit);
  return root.value;
}

function order(a: string[], b: string[]): number {
  for (let at = 0; at < Math.min(a.length, b.length); at += 1) {
    const [x, y] = [position(a[at] ?? ""), position(b[at] ?? "")];
    if (x !== undefined && y !== undefined && x !== y) return x - y;
  }
  return 0;
}

function change(root: { value: Json }, path: string[], edit: Edit): void {
  const last = path.at(-1);
  const made = edit.tag === "set" ? (JSON.parse(edit.json) as Json) : edit.tag === "text" ? edit.text : null;
  if (last === undefined) {
    if (edit.tag === "remove") throw new RangeError("the whole document cannot be removed");
    root.value = made;
    return;
  }
  const parent = path.slice(0, -1).reduce<Json | undefined>((value, token) => child(value, token), root.value);
  if (Array.isArray(parent)) {
    const index = position(last);
    if (last === "-" && edit.tag === "set") parent.push(made);
    else if (index === undefined || index >= parent.length) throw new RangeError(`nothing at ${last}`);
    else if (edit.tag === "remove") parent.splice(index, 1);
    else parent[index] = made;
  } else if (typeof parent === "object" && parent !== null) {
    if (edit.tag !== "remove") parent[last] = made;
    else if (!Object.hasOwn(parent, last)) throw new RangeError(`nothing at ${last}`);
    else delete parent[last];
  } else throw new RangeError(`nothing at ${last}`);
}

function child(value: Json | undefined, token: string): Json | undefined {
  if (Array.isArray(value)) return value[position(token) ?? -1];
  return typeof value === "object" && value !== null && Object.hasOwn(value, token) ? value[token] : undefined;
}

function run(all: string[]): TextRun {
  const ends: number[] = [];
  let end = 0;
  for (const text of all) {
    end += encode(text).length;
    ends.push(end);
    end += 1;
  }
  return { text: all.map((text) => `${text}\n`).join(""), ends };
}
