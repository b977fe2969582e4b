/** Randomness that the host draws anew for every run. `Math.random` is seeded with it. */

import { gateway } from "./border.js";

/** So many random bytes, fit for secrets. */
export function bytes(length: number): Uint8Array {
  return gateway().random(length);
}

let seed: Uint32Array | undefined;

/** What was drawn before, perhaps when the component was made, is forgotten. */
export function forget(): void {
  seed = undefined;
}

/** Puts a generator that is seeded in each run in place of the engine's, whose seed is part of the component. */
export function takeOver(): void {
  Math.random = () => {
    seed ??= seeded();
    return ((next(seed) >>> 5) * 2 ** 26 + (next(seed) >>> 6)) / 2 ** 53;
  };
}

function seeded(): Uint32Array {
  const drawn = bytes(16);
  const words = new Uint32Array(4);
  drawn.forEach((byte, index) => {
    words[index >> 2] = ((words[index >> 2] ?? 0) << 8) | byte;
  });
  return words;
}

/** xoshiro128**. */
function next(s: Uint32Array): number {
  const [a = 0, b = 0, c = 0, d = 1] = s;
  const result = Math.imul(rotated(Math.imul(b, 5), 7), 9);
  const shifted = b << 9;
  const third = c ^ a;
  const fourth = d ^ b;
  s[1] = b ^ third;
  s[0] = a ^ fourth;
  s[2] = third ^ shifted;
  s[3] = rotated(fourth, 11);
  return result >>> 0;
}

function rotated(word: number, by: number): number {
  return (word << by) | (word >>> (32 - by));
}
