/** A document in memory, which reads as the gateway's does. */

import { encode } from "../bytes.js";
import type { Edit } from "../decision.js";
import type { Source, TextRun } from "../document.js";
import type { Json } from "../json.js";
import { position, tokens } from "../pointer.js";
import { keys, strings, texts } from "./reading.js";
import { malformed } from "./stop.js";
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

  /** Where the edit of this index in a list applies. */
  place(index: number, edit: Edit, deepest?: number): Place {
    if (edit.tag === "set") {
      try {
        parse(edit.json, deepest);
      } catch (error) {
        throw malformed(`edit ${index}: ${(error as Error).message}`);
      }
    }
    if (edit.tag !== "text") return this.#find(index, edit, edit.pointer);
    const pointer = this.textPointer(edit.index);
    if (pointer === undefined) throw malformed(`edit ${index}: text ${edit.index} of ${texts(this.#root).length}`);
    return this.#find(index, edit, pointer);
  }

  #find(index: number, edit: Edit, pointer: string): Place {
    const unusable = (): Error => malformed(`edit ${index}: not a usable pointer`);
    if ((pointer !== "" && !pointer.startsWith("/")) || /~(?![01])/.test(pointer)) throw unusable();
    const path = tokens(pointer);
    if (path.length === 0 && edit.tag === "remove") throw unusable();
    let value = this.#root;
    for (const [at, token] of path.entries()) {
      const adds = at === path.length - 1 && edit.tag === "set";
      const here = (more: { name?: string }): Place => ({ index, edit, path, start: value.start, end: value.end, adds: more });
      let next: Tree | undefined;
      if (value.kind === "array") {
        const element = position(token);
        if (element === undefined && adds && token === "-") return here({});
        if (element === undefined) throw unusable();
        next = value.elements[element];
      } else if (value.kind === "object") {
        next = member(value, token);
        if (next === undefined && adds) return here({ name: token });
      }
      if (next === undefined) throw malformed(`edit ${index}: nothing stands there`);
      value = next;
    }
    return { index, edit, path, start: value.start, end: value.end };
  }
}

/**
 * The document as these edits leave it; throws `Stopped`, in the gateway's words, where it calls one of them a malfunction.
 * `deepest`: so many levels of a value that is put in.
 */
export function apply(memory: Memory, edits: readonly Edit[], deepest?: number): Json {
  const places = edits.map((edit, index) => memory.place(index, edit, deepest));
  checkOverlap(places);
  const root = { value: JSON.parse(memory.json()) as Json };
  // Removals of an array's elements from its end: indexes refer to the document as it was handed over.
  const removals = places.filter(({ edit }) => edit.tag === "remove").sort((a, b) => b.start - a.start);
  for (const { path, edit } of [...places.filter(({ edit }) => edit.tag !== "remove"), ...removals]) change(root, path, edit);
  return root.value;
}

/** Where an edit applies: the value that it replaces or removes, or the object or array that it adds to. */
interface Place {
  index: number;
  edit: Edit;
  path: string[];
  start: number;
  end: number;
  /** It adds an element, or the member of this name. */
  adds?: { name?: string };
}

function checkOverlap(places: Place[]): void {
  const overlap = (a: number, b: number): Error => malformed(`edits ${Math.min(a, b)} and ${Math.max(a, b)} overlap`);
  const members = new Map<string, number>();
  for (const { index, start, adds } of places) {
    if (adds?.name === undefined) continue;
    const key = `${start} ${adds.name}`;
    const first = members.get(key);
    if (first !== undefined) throw overlap(first, index);
    members.set(key, index);
  }
  let [covered, by] = [0, 0];
  const order = [...places].sort((a, b) => a.start - b.start || Number(a.adds !== undefined) - Number(b.adds !== undefined));
  for (const { index, start, end, adds } of order) {
    if (start < covered) throw overlap(index, by);
    if (adds === undefined) [covered, by] = [end, index];
  }
}

function change(root: { value: Json }, path: string[], edit: Edit): void {
  const last = path.at(-1);
  const made = edit.tag === "set" ? (JSON.parse(edit.json) as Json) : edit.tag === "text" ? edit.text : null;
  if (last === undefined) {
    root.value = made;
    return;
  }
  const parent = path.slice(0, -1).reduce<Json | undefined>((value, token) => child(value, token), root.value);
  if (Array.isArray(parent)) {
    if (last === "-") parent.push(made);
    else if (edit.tag === "remove") parent.splice(Number(last), 1);
    else parent[Number(last)] = made;
  } else if (typeof parent === "object" && parent !== null) {
    if (edit.tag === "remove") delete parent[last];
    else Object.defineProperty(parent, last, { value: made, writable: true, enumerable: true, configurable: true });
  }
}

function child(value: Json | undefined, token: string): Json | undefined {
  if (Array.isArray(value)) return value[Number(token)];
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
