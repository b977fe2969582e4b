/** What a hook may decide. All of these are values: return them. */

import { toJson, utf8 } from "./json.js";

/** The call is refused, or the reply withheld. Made by {@link refuse}. */
export class Refusal {
  constructor(
    readonly code: string,
    readonly message: string,
    readonly pointer: string | null,
    readonly details: string | null,
  ) {}
}

/** Stands in for the server. Made by {@link answer}. */
export class Answer {
  constructor(readonly json: string) {}
}

/** The whole document is another. Made by {@link replace}. */
export class Replacement {
  constructor(readonly json: string) {}
}

/** A change of a document, as it leaves. */
export type Edit =
  | { readonly tag: "set"; readonly pointer: string; readonly json: string }
  | { readonly tag: "remove"; readonly pointer: string }
  | { readonly tag: "text"; readonly index: number; readonly text: string };

/** What a pre-call may return. Nothing: what it changed in the document, if anything, and the call goes on. */
export type PreDecision = Refusal | Answer | Replacement | undefined | void;
/** What a post-call may return. Nothing: what it changed in the document, if anything, and the reply goes on. */
export type PostDecision = Refusal | Replacement | undefined | void;

/** The refusals of this run: one that was made and not returned is a mistake that would let a call pass. */
export const made: Refusal[] = [];

/**
 * Refuses the call: `return refuse(...)`. `code` is stable and machine-readable, `message` is for people and models and
 * never repeats the payload; `at` is the JSON Pointer of what it is about, `details` any JSON value for programs.
 *
 * ```ts
 * import { refuse } from "sandgate";
 *
 * const refusal = refuse("quota.calls", "Too many calls.", { details: { retryAfterMs: 1500 } });
 * assert.equal(refusal.details, '{"retryAfterMs":1500}');
 * ```
 */
export function refuse(code: string, message: string, more: { at?: string; details?: unknown } = {}): Refusal {
  const refusal = new Refusal(
    utf8(code, "code"),
    utf8(message, "message"),
    more.at === undefined ? null : utf8(more.at, "at"),
    more.details === undefined ? null : utf8(toJson(more.details), "details"),
  );
  made.push(refusal);
  return refusal;
}

/**
 * Stands in for the server with this result: `return answer({ content: [] })`. Validators still judge the call, and the
 * reply leaves through every interceptor.
 */
export function answer(result: unknown): Answer {
  return new Answer(utf8(toJson(result), "result"));
}

/**
 * Puts another document in place of the one handed over: `return replace({ … })`. Changes made through the document itself
 * touch only what differs; prefer those.
 */
export function replace(document: unknown): Replacement {
  return new Replacement(utf8(toJson(document), "document"));
}
