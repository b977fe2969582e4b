/**
 * What the gateway makes of a hook's decision: whether the hook may decide so, and the document that goes on. The words of a
 * failure are the gateway's; `sdk/judgements.json` holds both to the same.
 */

import { encode } from "../bytes.js";
import { Answer, type Edit, Refusal, Replacement } from "../decision.js";
import type { Json } from "../json.js";
import type { Role } from "../plugin.js";
import { apply, type Memory } from "./memory.js";
import { malformed, over } from "./stop.js";
import { parse } from "./tree.js";

/** Bytes of a document, and of all edits together. */
const BYTES = 4 << 20;
const EDITS = 100_000;
/** Levels of a document: the message around it is one more. */
const DEPTH = 126;
/** Bytes of a refusal's parts: longer texts are cut, a longer pointer is left out. */
const [CODE, MESSAGE, POINTER] = [128, 2 << 10, 1 << 10];

/** What {@link judge} has to know of the message. */
export interface About {
  /** It can be answered: it is no notification. */
  request: boolean;
  /** The document is an error object. */
  failed: boolean;
}

/** A decision's word, and the document that goes on; with `answer`, the result. */
export interface Judged {
  decision: "proceed" | "edit" | "replace" | "refuse" | "answer";
  after: Json;
}

/** Judges a decision; throws `Stopped` where the gateway calls it a failure. */
export function judge(role: Role, document: Memory, decided: Refusal | Answer | Replacement | readonly Edit[], about: About): Judged {
  const before = JSON.parse(document.json()) as Json;
  if (decided instanceof Refusal) return { decision: "refuse", after: before };
  const edits = decided instanceof Answer || decided instanceof Replacement ? undefined : decided;
  if (edits?.length === 0) return { decision: "proceed", after: before };
  if (edits === undefined) {
    if (encode((decided as Answer).json).length > BYTES) throw over("bytes of a document");
  } else if (edits.length > EDITS || edits.reduce((sum, edit) => sum + size(edit), 0) > BYTES) throw over("edits");
  if (role === "validation") throw malformed("a validation may only proceed or refuse");
  if (decided instanceof Answer) {
    const after = read(decided.json);
    if (!about.request) throw malformed("a notification cannot be answered");
    if (kind(after) !== "object") throw malformed("an answer must be an object");
    return { decision: "answer", after };
  }
  if (decided instanceof Replacement) return { decision: "replace", after: sameKind(before, read(decided.json), about.failed) };
  return { decision: "edit", after: sameKind(before, apply(document, edits ?? [], DEPTH), about.failed) };
}

/** The refusal as the gateway keeps it. */
export function cut({ code, message, pointer, details }: Refusal): Refusal {
  const kept = pointer !== null && encode(pointer).length > POINTER ? null : pointer;
  return new Refusal(within(code, CODE), within(message, MESSAGE), kept, details);
}

/** A text's first bytes, as whole characters. */
export function within(text: string, most: number): string {
  if (encode(text).length <= most) return text;
  let [made, bytes] = ["", 0];
  for (const character of text) {
    bytes += encode(character).length;
    if (bytes > most) break;
    made += character;
  }
  return made;
}

function size(edit: Edit): number {
  if (edit.tag === "text") return encode(edit.text).length;
  return encode(edit.pointer).length + (edit.tag === "set" ? encode(edit.json).length : 0);
}

function read(text: string): Json {
  try {
    parse(text, DEPTH);
  } catch (error) {
    throw malformed((error as Error).message);
  }
  return JSON.parse(text) as Json;
}

function sameKind(before: Json, after: Json, failed: boolean): Json {
  if (kind(before) !== kind(after)) throw malformed("the document became something of another JSON type");
  const has = (name: string, type: string): boolean => kind(after) === "object" && typeof (after as { [name: string]: Json })[name] === type;
  if (failed && !(has("code", "number") && has("message", "string"))) throw malformed("the error object lost its code or message");
  return after;
}

function kind(value: Json): string {
  return value === null ? "null" : Array.isArray(value) ? "array" : typeof value;
}
