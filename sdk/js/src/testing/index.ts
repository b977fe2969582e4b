/**
 * Runs hooks natively, under `node --test` or anything else: what a test puts in the gateway's place.
 *
 * It follows the contract's comments and the gateway's reading of them (a test compares the two), and is for tests only: it
 * reads a document anew for every question. Where `plugin.toml` lies beside the plugin's source, it has to say of the hooks what the
 * source does, and what it does not ask for is not granted.
 */

import { connect, type Finding, type Level } from "../border.js";
import { encode } from "../bytes.js";
import { Context, type Exchange } from "../context.js";
import { type Edit, Refusal } from "../decision.js";
import { Document } from "../document.js";
import { hideFrames, words } from "../fault.js";
import { globMatches } from "../glob.js";
import { type Json, toJson } from "../json.js";
import type { Kind, Plugin } from "../plugin.js";
import type { Issue } from "../settings.js";
import { cut, judge } from "./judge.js";
import { asks } from "./manifest.js";
import { Memory } from "./memory.js";
import { Recorder } from "./recorder.js";
import { over } from "./stop.js";

/** What a test says of a call, beside the method: every part may be left out. */
export interface About {
  method?: string;
  target?: string;
  server?: string;
  direction?: string;
  session?: string;
  principal?: string;
  groups?: string[];
  definition?: unknown;
  attributes?: { [name: string]: string };
  /** In a post-call: the params as they were sent. */
  params?: unknown;
  /** In a post-call: the reply is an error. */
  failed?: boolean;
  /** In a post-call: the note that the pre-call left. */
  carried?: Uint8Array;
}

/** What came of a hook run. */
export interface Outcome {
  /** What the gateway is told. */
  decision: "proceed" | "edit" | "replace" | "refuse" | "answer" | "fault";
  /** The document as it was handed over. */
  before: Json;
  /** The document as it goes on; with `answer`, the result. As it was, where the call is refused or the hook failed. */
  after: Json;
  /** The changes, where there are any. */
  edits: Edit[];
  /** Why not, where it is refused. */
  refusal?: Refusal;
  /**
   * What went wrong and where, where the hook failed: the error's name, or, where the gateway cannot use what the hook decided,
   * `malformed` or `quota`.
   */
  fault?: string;
  /** The note left for the post-call. */
  carried?: Uint8Array;
  /** What the hook reported. */
  findings: Finding[];
  /** Level and text of each line it logged. */
  logs: [Level, string][];
}

/** Bytes of a note. */
const NOTE = 64 << 10;

/** The plugins that were configured: a gateway runs no hook of one that is not. */
const configured = new WeakSet<Plugin>();
const recorder = new Recorder();
connect(recorder);
hideFrames(new URL("..", import.meta.url).pathname);

/** A document: of a JSON text, where `content` is a string, or of any JSON value. */
export function document(content: unknown): Document {
  return new Document(memory(content));
}

/** A context. */
export function context(about: About = {}): Context {
  return new Context(exchange(about).exchange);
}

/** Runs the pre-call. Where no hook is for the method the call proceeds. */
export function preCall(plugin: Plugin, params: unknown, about: About = {}): Outcome {
  return run("pre-call", plugin, params, about);
}

/** Runs the post-call. */
export function postCall(plugin: Plugin, reply: unknown, about: About = {}): Outcome {
  return run("post-call", plugin, reply, about);
}

/**
 * Configures a plugin with these settings, and gives what is wrong with them. The gateway has checked them against the plugin's
 * schema before; this does not.
 */
export function configure(plugin: Plugin, settings: { [name: string]: Json } = {}): Issue[] {
  configured.add(plugin);
  recorder.configuring = true;
  try {
    return plugin.configure(settings);
  } catch (thrown) {
    return [{ pointer: "", message: words(thrown, plugin.origin) }];
  } finally {
    recorder.configuring = false;
  }
}

/** The findings since the last time anybody asked. */
export function findings(): Finding[] {
  const found = recorder.findings;
  recorder.findings = [];
  return found;
}

/** The rules of {@link findings}. */
export function rules(): string[] {
  return findings().map(({ rule }) => rule);
}

/** Level and text of the log lines since the last time anybody asked. */
export function logs(): [Level, string][] {
  const lines = recorder.logs;
  recorder.logs = [];
  return lines;
}

/** Whether the operator grants `state`; it is granted unless a test says otherwise. */
export function grantState(granted: boolean): void {
  recorder.granted = granted;
}

/** What {@link answerHttp} takes. */
export interface HttpAnswer {
  method?: string;
  status?: number;
  headers?: { [name: string]: string };
  body?: Uint8Array | string;
  /** Milliseconds that the answer takes. Nobody waits for it: a request with a shorter `timeout` fails as `timed-out`. */
  delay?: number;
  /** There is none, and why. */
  fails?: "refused" | "cut";
}

/** What a request to this URL is answered with from here on, as often as it is asked for; any other is refused. */
export function answerHttp(url: string, answer: HttpAnswer = {}): void {
  const { method = "GET", status = 200, headers = {}, body = "", delay = 0, fails } = answer;
  const fields = Object.entries(headers).map(([name, value]): [string, Uint8Array] => [name, encode(value)]);
  const reply = { status, headers: fields, body: typeof body === "string" ? encode(body) : body };
  recorder.replies.set(`${method.toUpperCase()} ${url}`, { reply, delay, fails });
}

/** Forgets findings, log lines, state and replies. */
export function clear(): void {
  recorder.clear();
}

function run(kind: Kind, plugin: Plugin, content: unknown, about: About): Outcome {
  const source = memory(content);
  const { exchange: made, carried } = exchange(about);
  const before = JSON.parse(source.json()) as Json;
  const outcome: Outcome = { decision: "proceed", before, after: before, edits: [], findings: [], logs: [] };
  recorder.begin();
  const asked = asks(plugin);
  const hook = plugin.hooks[kind];
  const sees = hook?.events.some((event) => globMatches(event, made.method()));
  const wrong = sees && !configured.has(plugin) ? configure(plugin) : [];
  if (wrong.length > 0) {
    configured.delete(plugin);
    const said = wrong.map(({ pointer, message }) => `its settings are not accepted: ${pointer || "all"}: ${message}`);
    Object.assign(outcome, { decision: "fault", fault: said.join("\n") });
  } else if (hook && sees) {
    recorder.asks = asked;
    try {
      const decided = plugin.decide(kind, new Context(made), new Document(source));
      if (recorder.stopped !== undefined) throw recorder.stopped;
      const request = !made.method().startsWith("notifications/");
      Object.assign(outcome, judge(hook.type, source, decided, { request, failed: made.failed() }));
      if (Array.isArray(decided)) outcome.edits = decided;
      else if (decided instanceof Refusal) outcome.refusal = cut(decided);
    } catch (thrown) {
      Object.assign(outcome, { decision: "fault", fault: words(recorder.stopped ?? thrown, plugin.origin) });
    } finally {
      recorder.asks = undefined;
    }
  }
  const note = carried();
  return { ...outcome, ...(note === undefined ? {} : { carried: note }), findings: findings(), logs: logs() };
}

function memory(content: unknown): Memory {
  return new Memory(typeof content === "string" ? content : toJson(content));
}

function exchange(about: About): { exchange: Exchange; carried: () => Uint8Array | undefined } {
  let note: Uint8Array | undefined;
  const attributes: { [name: string]: string } = { ...about.attributes, groups: toJson(about.groups ?? []) };
  return {
    carried: () => note,
    exchange: {
      id: () => "test",
      method: () => about.method ?? "tools/call",
      direction: () => about.direction ?? "client-to-server",
      server: () => about.server ?? "server",
      target: () => about.target,
      session: () => about.session,
      principal: () => about.principal,
      definition: () => (about.definition === undefined ? undefined : toJson(about.definition)),
      params: () => (about.params === undefined ? undefined : memory(about.params)),
      failed: () => about.failed ?? false,
      remainingUs: () => 1_000_000,
      carry: (given) => {
        if (given.length > NOTE) recorder.stop(over("bytes carried to the post-call"));
        note = given;
      },
      carried: () => about.carried,
      attribute: (name) => attributes[name],
    },
  };
}
