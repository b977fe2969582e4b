/** RFC 6901 JSON Pointers. */

/** A member's name as one token of a pointer. */
export function escape(name: string): string {
  return name.replaceAll("~", "~0").replaceAll("/", "~1");
}

/** A pointer's tokens. */
export function tokens(pointer: string): string[] {
  if (pointer !== "" && !pointer.startsWith("/")) throw new TypeError("a JSON Pointer is empty or begins with /");
  return pointer.split("/").slice(1).map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** An array's index, as RFC 6901 writes it: no sign, no leading zero. */
export function position(token: string): number | undefined {
  return /^(?:0|[1-9][0-9]*)$/.test(token) ? Number(token) : undefined;
}

/** Whether `inner` is the place `outer` or lies within it. */
export function covers(outer: string, inner: string): boolean {
  return inner === outer || inner.startsWith(`${outer}/`);
}
