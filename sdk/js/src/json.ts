/** JSON values, and texts that may cross the border. */

/** Any JSON value. */
export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** The JSON text of a value; an error where JSON has no such thing. */
export function toJson(value: unknown): string {
  const text = JSON.stringify(value, (_, part: unknown) => {
    if (typeof part === "number" && !Number.isFinite(part)) throw new TypeError(`JSON has no ${part}`);
    return part;
  });
  if (text === undefined) throw new TypeError(`JSON has no ${typeof value}`);
  return text;
}

/** The text itself, where it is one and can be written as UTF-8: anything else would end the run without a word. */
export function utf8(text: string, what: string): string {
  if (typeof text !== "string") throw new TypeError(`${what}: a string is wanted, not ${typeof text}`);
  if (/\p{Surrogate}/u.test(text)) throw new TypeError(`${what}: a lone surrogate cannot be written as UTF-8`);
  return text;
}
