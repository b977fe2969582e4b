/**
 * Memory between calls, scoped to this interceptor and shared by everything that runs it. Without the grant every function
 * throws a {@link Failure} of the kind `denied`.
 *
 * ```ts
 * import { state } from "sandgate";
 * import "sandgate/testing";
 *
 * assert.equal(state.increment("calls"), 1);
 * assert.equal(state.increment("calls", 2, { ttlMs: 60_000 }), 3);
 * ```
 */

import { gateway } from "./border.js";
import { utf8 } from "./json.js";

/** How long: milliseconds from now; left out: until it is deleted. */
export interface Lasting {
  ttlMs?: number;
}

/** The state does not do what it was asked to: it is not granted, there is no room, or it cannot be done now. */
export class Failure extends Error {
  override readonly name = "state.Failure";
  constructor(readonly kind: "denied" | "quota" | "unavailable", message: string) {
    super(message);
  }
}

/** What stands under a key. */
export function get(key: string): Uint8Array | undefined {
  return gateway().get(utf8(key, "key")) ?? undefined;
}

/** Puts a value there. */
export function set(key: string, value: Uint8Array, lasting: Lasting = {}): void {
  gateway().set(utf8(key, "key"), bytes(value), milliseconds(lasting));
}

/** Nothing stands there any more; nothing having stood there is no failure. */
function remove(key: string): void {
  gateway().delete(utf8(key, "key"));
}
export { remove as delete };

/**
 * Adds to a counter and gives what it comes to. The TTL is set when the counter is made and not moved afterwards, so a
 * counter is a window.
 */
export function increment(key: string, by = 1, lasting: Lasting = {}): number {
  if (!Number.isSafeInteger(by)) throw new RangeError("by: a whole number, at most 2^53");
  return gateway().increment(utf8(key, "key"), by, milliseconds(lasting));
}

/** Sets only where `expected` (undefined: nothing) still stands; false where it does not. */
export function compareAndSet(
  key: string, expected: Uint8Array | undefined, value: Uint8Array, lasting: Lasting = {},
): boolean {
  const was = expected === undefined ? null : bytes(expected);
  return gateway().compareAndSet(utf8(key, "key"), was, bytes(value), milliseconds(lasting));
}

function bytes(value: Uint8Array): Uint8Array {
  if (!(value instanceof Uint8Array)) throw new TypeError("value: a Uint8Array is wanted; `encode` makes one of a text");
  return value;
}

function milliseconds({ ttlMs }: Lasting): number | null {
  if (ttlMs === undefined) return null;
  if (!Number.isSafeInteger(ttlMs) || ttlMs < 0) throw new RangeError("ttlMs: whole milliseconds from 0");
  return ttlMs;
}
