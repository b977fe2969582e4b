/** The exports of a component: from the contract to the hooks and back. Used by the entry that the build writes. */

import { connect, type Gateway } from "./border.js";
import { Context, type Exchange } from "./context.js";
import { Answer, type Edit, Refusal, type Replacement } from "./decision.js";
import { fetcher, type Http } from "./component-http.js";
import { Document, type Source } from "./document.js";
import { type Fault, place, told, words } from "./fault.js";
import { Failure as HttpFailure } from "./http.js";
import type { Json } from "./json.js";
import type { Kind, Plugin } from "./plugin.js";
import { forget, takeOver } from "./random.js";
import { Failure } from "./state.js";

export { type Lines, mapLines } from "./fault.js";

/** A decision as it crosses the border. */
export type WitDecision = { tag: string; val?: unknown };

/** The contract's exports. */
export interface Exports {
  settings: { configure(settings: string): void };
  preCall: { handle(context: Exchange, params: Source): WitDecision };
  postCall: { handle(context: Exchange, reply: Source): WitDecision };
}

/** The contract's imports, as the engine gives them. */
export interface Imports {
  log: { log(level: string, message: string): void };
  report: { find(finding: object): void; lastWords(fault: Fault): void };
  state: {
    get(key: string): Uint8Array | null | undefined;
    set(key: string, value: Uint8Array, ttlMs: number | null): void;
    delete(key: string): void;
    increment(key: string, by: number, ttlMs: number | null): number;
    compareAndSet(key: string, expected: Uint8Array | null, value: Uint8Array, ttlMs: number | null): boolean;
  };
  random: { getRandomBytes(length: number): Uint8Array };
  /** There where the manifest asks for http. */
  http?: Http;
}

/** Makes the exports of a plugin. */
export function exported(plugin: Plugin, imports: Imports): Exports {
  const gateway = side(imports);
  connect(gateway);
  takeOver();
  const here = place(plugin.origin);
  const run = (kind: Kind, context: Exchange, source: Source): WitDecision => {
    forget();
    // A stack that is exhausted ends the run without a word: then at least the plugin's place is known.
    imports.report.lastWords({ kind: "", frames: here, detail: "" });
    try {
      const decided = plugin.decide(kind, new Context(context), new Document(source));
      return Array.isArray(decided) ? edited(decided) : said(decided);
    } catch (thrown) {
      throw told(thrown, plugin.origin);
    }
  };
  return {
    settings: {
      configure(settings) {
        let issues;
        try {
          issues = plugin.configure(JSON.parse(settings) as Json);
        } catch (thrown) {
          issues = [{ pointer: "", message: words(thrown, plugin.origin) }];
        }
        if (issues.length > 0) throw issues;
      },
    },
    preCall: { handle: (context, params) => run("pre-call", context, params) },
    postCall: { handle: (context, reply) => run("post-call", context, reply) },
  };
}

function edited(edits: Edit[]): WitDecision {
  if (edits.length === 0) return { tag: "proceed" };
  const val = edits.map((edit) => {
    if (edit.tag === "set") return { tag: "set", val: [edit.pointer, edit.json] };
    return edit.tag === "remove" ? { tag: "remove", val: edit.pointer } : { tag: "text", val: [edit.index, edit.text] };
  });
  return { tag: "edit", val };
}

function said(decided: Refusal | Answer | Replacement): WitDecision {
  if (decided instanceof Refusal) {
    const { code, message, pointer, details } = decided;
    return { tag: "refuse", val: { code, message, pointer, details } };
  }
  return { tag: decided instanceof Answer ? "answer" : "replace", val: decided.json };
}

function side({ log, report, state, random, http }: Imports): Gateway {
  const asked = <T>(ask: () => T): T => {
    try {
      return ask();
    } catch (thrown) {
      throw failure(thrown);
    }
  };
  return {
    log: (level, message) => log.log(level, message),
    find: (finding) => report.find(finding),
    get: (key) => asked(() => state.get(key)),
    set: (key, value, ttlMs) => asked(() => state.set(key, value, ttlMs)),
    delete: (key) => asked(() => state.delete(key)),
    increment: (key, by, ttlMs) => asked(() => state.increment(key, by, ttlMs)),
    compareAndSet: (key, expected, value, ttlMs) => asked(() => state.compareAndSet(key, expected, value, ttlMs)),
    random: (length) => random.getRandomBytes(length),
    fetch: http === undefined ? notAsked : fetcher(http),
  };
}

function notAsked(): never {
  throw new HttpFailure("denied", "plugin.toml does not ask for http: add it to [asks]");
}

function failure(thrown: unknown): unknown {
  // The engine wraps an import's error.
  const { tag, val } = (thrown as { payload?: { tag?: unknown; val?: unknown } } | null)?.payload ?? {};
  if (tag === "denied") return new Failure("denied", "the operator has not granted state");
  if (tag === "quota") return new Failure("quota", "no room for more");
  return tag === "unavailable" ? new Failure("unavailable", String(val)) : thrown;
}
