/** The other side of the border in memory: what hooks reported, and a state. */

import { webcrypto } from "node:crypto";
import type { Fetch, Fetched, Finding, Gateway, Level } from "../border.js";
import { failure, Failure as HttpFailure } from "../http.js";
import { encode } from "../bytes.js";
import { Failure } from "../state.js";
import { within } from "./judge.js";
import { over, type Stopped } from "./stop.js";

/** Findings of one run; one more says that the rest is left out. */
const FINDINGS = 256;
/** Bytes of one text of a finding, or of a line; the rest is cut off. */
const TEXT = 1 << 10;
/** Bytes of a finding's details. */
const DETAILS = 4 << 10;
/** Bytes of all lines of one run. */
const LOG = 32 << 10;
/** Bytes of a key and of a value of the state. */
const [KEY, VALUE] = [1 << 10, 1 << 20];
/** Keys of the state, and bytes of all keys and values. */
const [KEYS, STATE] = [1 << 16, 16 << 20];

/** What a request brings back. */
export interface Answer {
  reply: Fetched;
  /** Milliseconds. */
  delay: number;
  fails: "refused" | "cut" | undefined;
}

/** Keeps what it is told until somebody asks. */
export class Recorder implements Gateway {
  logs: [Level, string][] = [];
  findings: Finding[] = [];
  granted = true;
  configuring = false;
  /** What the manifest of the plugin that runs asks for; undefined: there is none. */
  asks: Set<string> | undefined;
  /** Why the run is stopped: it has failed, whatever the hook makes of it. */
  stopped: Stopped | undefined;
  #logged = 0;
  readonly replies = new Map<string, Answer>();
  readonly #state = new Map<string, { value: Uint8Array; until: number }>();

  /** Forgets everything, the state too. */
  clear(): void {
    this.logs = [];
    this.findings = [];
    this.granted = true;
    this.replies.clear();
    this.#state.clear();
  }

  /** A run begins: what the one before reported is forgotten. */
  begin(): void {
    this.logs = [];
    this.findings = [];
    this.stopped = undefined;
    this.#logged = 0;
  }

  /** Ends the run. */
  stop(why: Stopped): never {
    this.stopped ??= why;
    throw why;
  }

  log(level: Level, message: string): void {
    if (this.#logged > LOG) return;
    this.#logged += Math.min(encode(message).length, TEXT) + 16;
    this.logs.push([level, this.#logged > LOG ? "… (the rest of this run's log is left out)" : cut(message)]);
  }

  find(finding: Finding): void {
    if (this.findings.length >= FINDINGS) {
      const message = `more than ${FINDINGS} findings; the rest is left out`;
      if (this.findings.length === FINDINGS) {
        this.findings.push({ rule: "sandgate.findings-cut", severity: "warn", part: "params", pointer: null, message, details: null });
      }
      return;
    }
    if (finding.details !== null && encode(finding.details).length > DETAILS) this.stop(over("bytes of a finding's details"));
    const pointer = finding.pointer === null ? null : cut(finding.pointer);
    this.findings.push({ ...finding, rule: cut(finding.rule), message: cut(finding.message), pointer });
  }

  get(key: string): Uint8Array | undefined {
    this.#check();
    const entry = this.#state.get(key);
    return entry === undefined || performance.now() >= entry.until ? undefined : entry.value;
  }

  set(key: string, value: Uint8Array, ttlMs: number | null): void {
    this.#check();
    let [keys, bytes] = [1, encode(key).length + value.length];
    for (const [name, entry] of this.#state) {
      if (name === key || performance.now() >= entry.until) continue;
      keys += 1;
      bytes += encode(name).length + entry.value.length;
    }
    if (encode(key).length > KEY || value.length > VALUE || keys > KEYS || bytes > STATE) throw new Failure("quota", "no room for more");
    this.#state.set(key, { value, until: ttlMs === null ? Number.POSITIVE_INFINITY : performance.now() + ttlMs });
  }

  delete(key: string): void {
    this.#check();
    this.#state.delete(key);
  }

  increment(key: string, by: number, ttlMs: number | null): number {
    const before = this.get(key);
    if (before !== undefined && before.length !== 8) throw new Failure("unavailable", "the value is no counter");
    const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, 8);
    const total = (before === undefined ? 0 : Number(view(before).getBigInt64(0, true))) + by;
    if (Math.abs(total) >= 2 ** 63) throw new Failure("unavailable", "the counter is full");
    const value = new Uint8Array(8);
    view(value).setBigInt64(0, BigInt(total), true);
    const entry = this.#state.get(key);
    // The window stays where it is.
    if (before !== undefined && entry !== undefined) entry.value = value;
    else this.set(key, value, ttlMs);
    return total;
  }

  compareAndSet(key: string, expected: Uint8Array | null, value: Uint8Array, ttlMs: number | null): boolean {
    const now = this.get(key);
    const stands = now === undefined ? expected === null : expected !== null && Buffer.from(now).equals(expected);
    if (stands) this.set(key, value, ttlMs);
    return stands;
  }

  random(length: number): Uint8Array {
    return webcrypto.getRandomValues(new Uint8Array(length));
  }

  fetch({ method, scheme, authority, path, limit, timeout }: Fetch): Fetched {
    if (this.asks?.has("http") === false) throw new HttpFailure("denied", "plugin.toml does not ask for http: add it to [asks]");
    if (this.configuring) throw new HttpFailure("denied", "configure only computes from its settings: ask in a hook");
    const answer = this.replies.get(`${method} ${scheme}://${authority}${path}`);
    // As a fixture without this answer has it.
    if (answer === undefined) throw failure("connection-refused");
    const { reply, delay, fails } = answer;
    // Nobody waits for it.
    if (timeout !== undefined && timeout <= delay) throw failure("HTTP-response-timeout");
    if (fails !== undefined) throw failure(fails === "refused" ? "connection-refused" : "HTTP-response-incomplete");
    if (reply.body.length > limit) throw new HttpFailure("too-large", `the reply has more than ${limit} bytes`);
    return reply;
  }

  #check(): void {
    if (this.asks?.has("state") === false) throw new Failure("denied", "plugin.toml does not ask for state: add it to [asks]");
    if (!this.granted || this.configuring) throw new Failure("denied", "the operator has not granted state");
  }
}

function cut(text: string): string {
  const kept = within(text, TEXT);
  return kept === text ? text : `${kept}…`;
}
