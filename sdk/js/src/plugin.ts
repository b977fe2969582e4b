/** What a plugin is: hooks with their events, settings, and how one run goes through them. */

import type { Context } from "./context.js";
import { Answer, made, type PostDecision, type PreDecision, Refusal, Replacement, type Edit } from "./decision.js";
import type { Document } from "./document.js";
import { Misuse } from "./fault.js";
import { globMatches } from "./glob.js";
import type { Json } from "./json.js";
import { type Fields, type Issue, Issues, read, schemaOf, type SettingsOf, Unfit } from "./settings.js";

/** What a hook is for. A validation sees the final bytes and may only refuse; a mutation may change what passes. */
export type Role = "validation" | "mutation";

/** One function and the events (MCP methods, `*` standing for any characters) that it is for. */
export interface Hook<S, D> {
  events: string | readonly string[];
  /** Unless said, a pre-call is a validation and a post-call a mutation. */
  type?: Role;
  run: (context: Context, document: Document, settings: S) => D;
}

/** What {@link plugin} takes. */
export interface Options<F extends Fields> {
  /** What the operator may set. */
  settings?: F;
  /**
   * Runs once, when the gateway prepares the plugin, or before each run where it cannot keep what this left. It sees nothing
   * but the settings; time and randomness are fixed. What it adds to `issues` is wrong with the settings.
   */
  configure?: (settings: SettingsOf<F>, issues: Issues) => void;
  /** Before a request or notification goes on. */
  preCall?: Hook<SettingsOf<F>, PreDecision> | readonly Hook<SettingsOf<F>, PreDecision>[];
  /** On the reply, before its asker sees it. */
  postCall?: Hook<SettingsOf<F>, PostDecision> | readonly Hook<SettingsOf<F>, PostDecision>[];
}

/** The manifest's names of the hooks. */
export type Kind = "pre-call" | "post-call";

/** A plugin; a source exports one as its default. */
export interface Plugin {
  /** The manifest's `hooks`. */
  readonly hooks: { readonly [K in Kind]?: { type: Role; events: string[] } };
  /** The JSON Schema of what may be set. */
  readonly schema: { [keyword: string]: Json };
  /** Made where the plugin was. */
  readonly origin: Error;
  /** Puts the settings in place, and says what is wrong with them. */
  configure(given: Json): Issue[];
  /** One hook run. */
  decide(kind: Kind, context: Context, document: Document): Refusal | Answer | Replacement | Edit[];
}

/** A hook, the short way: `on("tools/call", (ctx, params) => …)`. */
export function on<D, S = unknown>(
  events: string | readonly string[], run: Hook<S, D>["run"], more: { type?: Role } = {},
): Hook<S, D> {
  return { events, run, ...more };
}

/**
 * Makes a plugin.
 *
 * ```ts
 * import { on, plugin, refuse } from "sandgate";
 * import { preCall } from "sandgate/testing";
 *
 * const made = plugin({
 *   preCall: on("tools/call", (ctx, params) => {
 *     if (params.texts().some((text) => text.includes("rm -rf"))) return refuse("command.destructive", "destructive command");
 *   }),
 * });
 * const outcome = preCall(made, { name: "sh", arguments: { command: "rm -rf /" } });
 * assert.equal(outcome.refusal?.code, "command.destructive");
 * ```
 */
export function plugin<F extends Fields = Record<never, never>>(options: Options<F>): Plugin {
  const fields = (options.settings ?? {}) as F;
  const pre = checked("preCall", options.preCall, "validation");
  const post = checked("postCall", options.postCall, "mutation");
  if (pre.length + post.length === 0) throw new TypeError("plugin: give it a preCall, a postCall or both");
  let settings: SettingsOf<F> | undefined;
  return {
    origin: new Error("made here"),
    hooks: {
      ...(pre.length > 0 ? { "pre-call": summed("preCall", pre) } : {}),
      ...(post.length > 0 ? { "post-call": summed("postCall", post) } : {}),
    },
    schema: options.settings === undefined ? { type: "object", additionalProperties: false } : schemaOf(fields),
    configure(given) {
      const issues = new Issues();
      try {
        settings = read(fields, given);
        options.configure?.(settings, issues);
      } catch (thrown) {
        if (!(thrown instanceof Unfit)) throw thrown;
        issues.add(thrown.pointer, thrown.problem);
      }
      return [...issues];
    },
    decide(kind, context, document) {
      settings ??= read(fields, {});
      return kind === "pre-call"
        ? decide(pre, [Refusal, Answer, Replacement], "refuse(…), replace(…), answer(…)", context, document, settings)
        : decide(post, [Refusal, Replacement], "refuse(…), replace(…)", context, document, settings);
    },
  };
}

/** A hook is an async function: this one, so that its line can be found. */
export class AsyncHook extends TypeError {
  constructor(name: string, readonly hook: unknown) {
    super(`${name}: an async function is no hook, since nothing waits for its promise: leave out \`async\` (\`http.get\` asks without a promise)`);
    this.name = "TypeError";
  }
}

interface Checked<S, D> {
  events: string[];
  type: Role;
  run: Hook<S, D>["run"];
}

function checked<S, D>(name: string, hooks: Hook<S, D> | readonly Hook<S, D>[] | undefined, usual: Role): Checked<S, D>[] {
  if (hooks === undefined) return [];
  return (Array.isArray(hooks) ? (hooks as readonly Hook<S, D>[]) : [hooks as Hook<S, D>]).map(({ events, type = usual, run }) => {
    const list = typeof events === "string" ? [events] : [...events];
    if (list.length === 0 || !list.every((event) => typeof event === "string" && event !== "")) {
      throw new TypeError(`${name}: name the MCP methods it is for, for example on("tools/call", …)`);
    }
    if (type !== "validation" && type !== "mutation") throw new TypeError(`${name}: type is "validation" or "mutation"`);
    if (typeof run !== "function") throw new TypeError(`${name}: a function is wanted`);
    if (run.constructor.name === "AsyncFunction") throw new AsyncHook(name, run);
    return { events: list, type, run };
  });
}

function summed<S, D>(name: string, hooks: Checked<S, D>[]): { type: Role; events: string[] } {
  const [first] = hooks;
  const type = first?.type ?? "validation";
  if (hooks.some((hook) => hook.type !== type)) {
    throw new TypeError(`${name}: one function is a validation, another a mutation; give both the same \`type\``);
  }
  return { type, events: [...new Set(hooks.flatMap(({ events }) => events))] };
}

/** Each function that is for this method, in their order. The first that decides something ends it. */
function decide<S, D>(
  hooks: Checked<S, D>[], wanted: readonly (typeof Refusal | typeof Answer | typeof Replacement)[], names: string,
  context: Context, document: Document, settings: S,
): Refusal | Answer | Replacement | Edit[] {
  made.length = 0;
  for (const { events, run } of hooks) {
    if (hooks.length > 1 && !events.some((event) => globMatches(event, context.method))) continue;
    const result: unknown = run(context, document, settings);
    if (result instanceof Promise) throw new Misuse("a hook returned a promise: nothing waits for it, so a hook is no async function");
    if (made.length > 0 && !(result instanceof Refusal)) {
      throw new Misuse("refuse(…) was called and its value not returned: write `return refuse(…)`");
    }
    if (result === undefined) continue;
    if (wanted.some((decision) => result instanceof decision)) return result as Refusal | Answer | Replacement;
    throw new Misuse(`a hook returns nothing, ${names}; not ${typeof result}`);
  }
  return document.edits();
}
