/** A JSON document that stays in the gateway; only what is read crosses over, and only what changed goes back. */

import { parted } from "./bytes.js";
import type { Edit } from "./decision.js";
import { Misuse } from "./fault.js";
import { type Json, toJson, utf8 } from "./json.js";
import { covers, escape, tokens } from "./pointer.js";

/** Texts in one, each followed by a line feed, and the byte offsets at which they end. */
export interface TextRun {
  text: string;
  ends: ArrayLike<number>;
}

/** What a document asks; the contract's resource `document`. */
export interface Source {
  size(): number;
  json(): string;
  get(pointer: string): string | null | undefined;
  texts(): TextRun;
  strings(): TextRun;
  keys(): TextRun;
  textPointer(index: number): string | null | undefined;
  stringPointer(index: number): string | null | undefined;
}

type Change = Exclude<Edit, { tag: "text" }>;

/**
 * Params or a reply.
 *
 * What is read is what was handed over, whatever was changed since; only `texts` shows texts as `setText` and `mapTexts` left
 * them. Changes are collected and leave together as the smallest edits when the hook returns.
 *
 * ```ts
 * import { document } from "sandgate/testing";
 *
 * const params = document({ name: "send", arguments: { to: "jane", cc: ["joe"] } });
 * assert.equal(params.get("/arguments/to"), "jane");
 * params.set("/arguments/to", "[name]");
 * params.remove("/arguments/cc");
 * assert.deepEqual(params.edits(), [
 *   { tag: "set", pointer: "/arguments/to", json: '"[name]"' },
 *   { tag: "remove", pointer: "/arguments/cc" },
 * ]);
 * ```
 */
export class Document {
  readonly #source: Source;
  #texts: string[] | undefined;
  /** The texts that were changed, as they were. */
  readonly #was = new Map<number, string>();
  readonly #changes = new Map<string, Change>();
  readonly #appended: Change[] = [];

  constructor(source: Source) {
    this.#source = source;
  }

  /** Bytes of JSON text. */
  size(): number {
    return this.#source.size();
  }

  /** The JSON text at a pointer, as it stands; undefined where nothing does. */
  raw(pointer = ""): string | undefined {
    return pointer === "" ? this.#source.json() : (this.#source.get(pointer) ?? undefined);
  }

  /**
   * The whole document, parsed: `params.json<mcp.CallToolParams>()` where its type is known, which nobody checks. Each call gives a
   * value of its own; changing it changes nothing: see {@link become}.
   */
  json<T = Json>(): T {
    return JSON.parse(this.#source.json()) as T;
  }

  /** The value at a JSON Pointer, of this type where it is known; undefined where nothing stands. */
  get<T = Json>(pointer: string): T | undefined {
    const text = this.raw(pointer);
    return text === undefined ? undefined : (JSON.parse(text) as T);
  }

  /**
   * The string values that people or models read, in document order. Left out: protocol machinery (cursors,
   * `requestState`, ids, MIME types) and base64 payloads (`data`, `blob`).
   */
  texts(): string[] {
    return [...this.#current()];
  }

  /** Every string value, nothing left out. */
  strings(): string[] {
    const run = this.#source.strings();
    return parted(run.text, run.ends);
  }

  /** Every member name, in document order. */
  keys(): string[] {
    const run = this.#source.keys();
    return parted(run.text, run.ends);
  }

  /** Where the n-th of `texts` stands; undefined where there are fewer. */
  textPointer(index: number): string | undefined {
    return this.#source.textPointer(index) ?? undefined;
  }

  /** Where the n-th of `strings` stands; undefined where there are fewer. */
  stringPointer(index: number): string | undefined {
    return this.#source.stringPointer(index) ?? undefined;
  }

  /** The n-th of `texts` becomes this one. */
  setText(index: number, text: string): void {
    const texts = this.#current();
    const was = texts[index];
    if (was === undefined) throw new RangeError(`text ${index} of ${texts.length}`);
    if (!this.#was.has(index)) this.#was.set(index, was);
    texts[index] = utf8(text, "text");
  }

  /**
   * Puts each of `texts` through `change`, which gives the new text; nothing or the same text leaves it. Returns how many
   * changed.
   */
  mapTexts(change: (text: string) => string | undefined | void): number {
    let changed = 0;
    this.#current().forEach((text, index) => {
      const made = change(text);
      if (made === undefined || made === text) return;
      this.setText(index, made);
      changed += 1;
    });
    return changed;
  }

  /** As {@link mapTexts}, over every string value. */
  mapStrings(change: (text: string) => string | undefined | void): number {
    let changed = 0;
    this.strings().forEach((text, index) => {
      const made = change(text);
      if (made === undefined || made === text) return;
      const pointer = this.stringPointer(index);
      if (pointer === undefined) throw new RangeError(`string ${index}`);
      this.set(pointer, made);
      changed += 1;
    });
    return changed;
  }

  /** Replaces the value at a pointer, adds a member to an existing object, or appends (`/-`) to an existing array. */
  set(pointer: string, value: unknown): void {
    const change = { tag: "set", pointer: utf8(pointer, "pointer"), json: utf8(toJson(value), "value") } as const;
    if (pointer.endsWith("/-")) {
      this.#check(pointer);
      this.#appended.push(change);
    } else this.#change(change);
  }

  /** The value at a pointer goes; nothing there is an error. */
  remove(pointer: string): void {
    if (this.raw(pointer) === undefined) throw new RangeError(`nothing stands at ${pointer}`);
    this.#change({ tag: "remove", pointer });
  }

  /** Changes whatever differs between the document and `value`, and nothing else. */
  become(value: unknown): void {
    this.#differ("", this.json(), JSON.parse(toJson(value)) as Json);
  }

  /** What was changed so far, as it will leave. */
  edits(): Edit[] {
    const changed: Edit[] = [];
    const others = [...this.#changes.values(), ...this.#appended];
    for (const [index, was] of [...this.#was].sort(([a], [b]) => a - b)) {
      const text = this.#texts?.[index];
      if (text === undefined || text === was) continue;
      const at = others.length > 0 ? this.textPointer(index) : undefined;
      const other = at === undefined ? undefined : others.find(({ pointer }) => covers(pointer, at));
      if (other) throw new Misuse(`text ${index} stands within "${other.pointer}", which is changed too`);
      changed.push({ tag: "text", index, text });
    }
    return [...changed, ...others];
  }

  #current(): string[] {
    if (this.#texts === undefined) {
      const run = this.#source.texts();
      this.#texts = parted(run.text, run.ends);
    }
    return this.#texts;
  }

  #change(change: Change): void {
    this.#check(change.pointer);
    this.#changes.set(change.pointer, change);
  }

  #check(pointer: string): void {
    tokens(pointer);
    for (const other of [...this.#changes.keys(), ...this.#appended.map((change) => change.pointer)]) {
      if (other !== pointer && (covers(other, pointer) || covers(pointer, other))) {
        throw new Misuse(`"${pointer}" overlaps with the change at "${other}"`);
      }
    }
  }

  #differ(pointer: string, before: Json, after: Json): void {
    if (isTable(before) && isTable(after)) {
      for (const [name, value] of Object.entries(after)) {
        const was = Object.hasOwn(before, name) ? before[name] : undefined;
        const at = `${pointer}/${escape(name)}`;
        if (was === undefined) this.set(at, value);
        else this.#differ(at, was, value);
      }
      for (const name of Object.keys(before)) {
        if (!Object.hasOwn(after, name)) this.remove(`${pointer}/${escape(name)}`);
      }
    } else if (Array.isArray(before) && Array.isArray(after) && before.length === after.length) {
      after.forEach((value, index) => this.#differ(`${pointer}/${index}`, before[index] ?? null, value));
    } else if (before !== after) {
      this.set(pointer, after);
    }
  }
}

function isTable(value: Json): value is { [name: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
