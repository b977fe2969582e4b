/** UTF-8, where the engine brings no encoder. */

/** The UTF-8 bytes of a text. */
export function encode(text: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    if (code < 0x80) bytes.push(code);
    else if (code < 0x800) bytes.push(0xc0 | (code >> 6), 0x80 | (code & 63));
    else if (code < 0x10000) bytes.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
    else bytes.push(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 63), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
  }
  return Uint8Array.from(bytes);
}

/** The text of UTF-8 bytes; an error where they are none. */
export function decode(bytes: Uint8Array): string {
  let escaped = "";
  for (const byte of bytes) escaped += `%${byte.toString(16).padStart(2, "0")}`;
  return decodeURIComponent(escaped);
}

/** Parts a run of texts at the byte offsets at which each ends, its line feed not counted. */
export function parted(run: string, ends: ArrayLike<number>): string[] {
  const parts: string[] = [];
  let start = 0;
  if (ends.length > 0 && run.length === (ends[ends.length - 1] ?? 0) + 1) {
    // As many units as bytes: all of it is ASCII.
    for (let index = 0; index < ends.length; index += 1) {
      const end = ends[index] ?? 0;
      parts.push(run.slice(start, end));
      start = end + 1;
    }
    return parts;
  }
  let [at, byte] = [0, 0];
  for (let index = 0; index < ends.length; index += 1) {
    const end = ends[index] ?? 0;
    start = at;
    while (byte < end) {
      const unit = run.charCodeAt(at);
      // Each half of a pair stands for two of its four bytes.
      byte += unit < 0x80 ? 1 : unit < 0x800 || (unit >= 0xd800 && unit < 0xe000) ? 2 : 3;
      at += 1;
    }
    parts.push(run.slice(start, at));
    at += 1;
    byte += 1;
  }
  return parts;
}
