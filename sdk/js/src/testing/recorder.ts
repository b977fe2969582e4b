/** The other side of the border in memory: what hooks reported, and a state. */

import { webcrypto } from "node:crypto";
import type { Fetch, Fetched, Finding, Gateway, Level } from "../border.js";
import { Failure as HttpFailure } from "../http.js";
import { Failure } from "../state.js";

/** Keeps what it is told until somebody asks. */
export class Recorder implements Gateway {
  logs: [Level, string][] = [];
  findings: Finding[] = [];
  granted = true;
  readonly replies = new Map<string, Fetched>();
  readonly #state = new Map<string, { value: Uint8Array; until: number }>();

  /** Forgets everything, the state too. */
  clear(): void {
    this.logs = [];
    this.findings = [];
    this.granted = true;
    this.replies.clear();
    this.#state.clear();
  }

  log(level: Level, message: string): void {
    this.logs.push([level, message]);
  }

  find(finding: Finding): void {
    this.findings.push(finding);
  }

  get(key: string): Uint8Array | undefined {
    this.#check();
    const entry = this.#state.get(key);
    return entry === undefined || performance.now() >= entry.until ? undefined : entry.value;
  }

  set(key: string, value: Uint8Array, ttlMs: number | null): void {
    this.#check();
    this.#state.set(key, { value, until: ttlMs === null ? Number.POSITIVE_INFINITY : performance.now() + ttlMs });
  }

  delete(key: string): void {
    this.#check();
    this.#state.delete(key);
  }

  increment(key: string, by: number, ttlMs: number | null): number {
    const before = this.get(key);
    if (before !== undefined && before.length !== 8) throw new Failure("unavailable", `"${key}" holds no counter`);
    const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, 8);
    const total = (before === undefined ? 0 : Number(view(before).getBigInt64(0, true))) + by;
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

  fetch({ method, scheme, authority, path, limit }: Fetch): Fetched {
    const reply = this.replies.get(`${method} ${scheme}://${authority}${path}`);
    // As a fixture without this answer has it.
    if (reply === undefined) throw new HttpFailure("failed", "internal-error");
    if (reply.body.length > limit) throw new HttpFailure("too-large", `the reply has more than ${limit} bytes`);
    return reply;
  }

  #check(): void {
    if (!this.granted) throw new Failure("denied", "the operator has not granted state");
  }
}
