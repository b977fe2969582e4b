/** What a plugin reaches beside its document: the contract's imports, or their double where there is no gateway. */

/** How bad. */
export type Severity = "info" | "warn" | "error";
/** What a finding is about. */
export type Part = "params" | "reply";
/** How loud. */
export type Level = "trace" | "debug" | "info" | "warn" | "error";

/** What a hook noticed. Made by `finding`. */
export interface Finding {
  rule: string;
  severity: Severity;
  part: Part;
  pointer: string | null;
  message: string;
  details: string | null;
}

/** A request over HTTP, taken apart. */
export interface Fetch {
  method: string;
  scheme: string;
  authority: string;
  path: string;
  headers: [string, Uint8Array][];
  body: Uint8Array;
  /** The most bytes that the reply's body may have. */
  limit: number;
  /** Milliseconds until it is given up; as many as the hook has, where there are none. */
  timeout?: number | undefined;
}

/** Its reply, as it came. */
export interface Fetched {
  status: number;
  headers: [string, Uint8Array][];
  body: Uint8Array;
}

/** The imports. */
export interface Gateway {
  log(level: Level, message: string): void;
  find(finding: Finding): void;
  get(key: string): Uint8Array | null | undefined;
  set(key: string, value: Uint8Array, ttlMs: number | null): void;
  delete(key: string): void;
  increment(key: string, by: number, ttlMs: number | null): number;
  compareAndSet(key: string, expected: Uint8Array | null, value: Uint8Array, ttlMs: number | null): boolean;
  random(length: number): Uint8Array;
  fetch(fetch: Fetch): Fetched;
}

let other: Gateway | undefined;

/** The other side: the real one in a component, the double of `sandgate/testing` in tests. */
export function gateway(): Gateway {
  if (other === undefined) throw new Error("there is no gateway here: import `sandgate/testing` in tests");
  return other;
}

/** The other side, where there is one. */
export function connected(): Gateway | undefined {
  return other;
}

/** Says what the other side is. */
export function connect(side: Gateway): void {
  other = side;
}
