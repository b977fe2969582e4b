/**
 * What packages expect of any engine, and QuickJS has not: `console`, `URL`, `TextEncoder` and a few more. What cannot be is
 * there too and says why. `globals.d.ts` beside this file is what type checkers are told. Components alone import this.
 */

import { connected, type Level } from "./border.js";
import { decode, encode } from "./bytes.js";
import { clone } from "./clone.js";
import { utf8 } from "./json.js";
import { bytes } from "./random.js";
import { URL, URLSearchParams } from "./url.js";

class TextEncoder {
  readonly encoding = "utf-8";
  encode(text = ""): Uint8Array {
    return encode(wellFormed(String(text)));
  }
}

class TextDecoder {
  readonly encoding = "utf-8";
  readonly fatal: boolean;
  readonly ignoreBOM: boolean;
  constructor(label = "utf-8", { fatal = false, ignoreBOM = false }: { fatal?: boolean; ignoreBOM?: boolean } = {}) {
    if (!["utf-8", "utf8", "unicode-1-1-utf-8"].includes(String(label).trim().toLowerCase())) throw new RangeError("TextDecoder: there is utf-8 alone");
    [this.fatal, this.ignoreBOM] = [fatal, ignoreBOM];
  }
  decode(input: ArrayBuffer | ArrayBufferView = new Uint8Array()): string {
    const all = ArrayBuffer.isView(input) ? new Uint8Array(input.buffer, input.byteOffset, input.byteLength) : new Uint8Array(input);
    const text = this.fatal ? decode(all) : lossy(all);
    return !this.ignoreBOM && text.startsWith("\ufeff") ? text.slice(1) : text;
  }
}

/** The text of UTF-8 bytes; each part that is none becomes one replacement character, as the web has it. */
function lossy(all: Uint8Array): string {
  let text = "";
  for (let at = 0; at < all.length; ) {
    const first = all[at] ?? 0;
    const more = first < 0x80 ? 0 : first >= 0xc2 && first < 0xe0 ? 1 : first >= 0xe0 && first < 0xf0 ? 2 : first >= 0xf0 && first < 0xf5 ? 3 : -1;
    let [end, value] = [at + 1, more <= 0 ? first : first & (0x3f >> more)];
    for (; more > 0 && end <= at + more; end += 1) {
      const next = all[end] ?? 0;
      const least = end > at + 1 ? 0x80 : first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
      const most = end > at + 1 ? 0xbf : first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
      if (next < least || next > most) break;
      value = (value << 6) | (next & 0x3f);
    }
    text += more < 0 || end !== at + 1 + more ? "\ufffd" : String.fromCodePoint(value);
    at = end;
  }
  return text;
}

/** Lines go to the gateway's log; nowhere while the component is made, when there is none. */
function printer(level: Level): (...parts: unknown[]) => void {
  return (...parts) => connected()?.log(level, utf8(wellFormed(parts.map(shown).join(" ")), "message"));
}

/** A text with each half of a pair replaced. */
function wellFormed(text: string): string {
  return text.replaceAll(/\p{Surrogate}/gu, "\ufffd");
}

function shown(part: unknown): string {
  if (typeof part === "string") return part;
  if (part instanceof Error) return `${part.name}: ${part.message}`;
  try {
    return JSON.stringify(part) ?? String(part);
  } catch {
    return String(part);
  }
}

function refused(name: string, why: string): () => never {
  return () => {
    throw new TypeError(`${name}: ${why}`);
  };
}

const crypto = {
  getRandomValues<T extends ArrayBufferView>(into: T): T {
    if (into.byteLength > 65536) throw new RangeError("crypto.getRandomValues: 65536 bytes at most");
    new Uint8Array(into.buffer, into.byteOffset, into.byteLength).set(bytes(into.byteLength));
    return into;
  },
  randomUUID(): string {
    const drawn = bytes(16);
    drawn[6] = ((drawn[6] ?? 0) & 0x0f) | 0x40;
    drawn[8] = ((drawn[8] ?? 0) & 0x3f) | 0x80;
    const digits = [...drawn].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    return digits.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, "$1-$2-$3-$4-$5");
  },
};

const LATER = "nothing is called after a hook has returned";

const globals: { [name: string]: unknown } = {
  console: {
    log: printer("info"), info: printer("info"), debug: printer("debug"), warn: printer("warn"), error: printer("error"), trace: printer("trace"),
    assert: (holds: unknown, ...parts: unknown[]) => (holds ? undefined : printer("error")("Assertion failed", ...parts)),
  },
  URL, URLSearchParams, TextEncoder, TextDecoder, structuredClone: clone, crypto,
  queueMicrotask: refused("queueMicrotask", LATER),
  setTimeout: refused("setTimeout", LATER),
  setInterval: refused("setInterval", LATER),
  fetch: refused("fetch", "there are no promises here: `http.get` of the package sandgate asks without"),
};

/** Puts them in place. */
export function install(): void {
  for (const [name, value] of Object.entries(globals)) Object.defineProperty(globalThis, name, { value, writable: true, configurable: true });
}
