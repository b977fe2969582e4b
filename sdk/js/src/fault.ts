/** From what was thrown to what the operator is told: type, file and line of the author's own frames. */

/** The plugin asks something of the SDK that cannot be. */
export class Misuse extends Error {
  override readonly name = "Misuse";
}

/** Where lines of the bundle come from: by line, triples of column, file and line, in the order of columns. */
export interface Lines {
  files: string[];
  lines: number[][];
  /** So many lines that are not of the bundle stand before it. */
  above?: number;
  /** The file that is the bundle, where there are others. */
  bundle?: string;
}

let lines: Lines | undefined;

/** Says where lines of the bundle come from; nothing: there is none. */
export function mapLines(map: Lines | undefined): void {
  lines = map;
}

let own = "/node_modules/";

/** Says where the SDK itself lies, where it is not in a bundle: its frames are not the author's. */
export function hideFrames(folder: string): void {
  own = folder;
}

/** What the gateway is told of a malfunction. */
export interface Fault {
  /** The error's name. */
  kind: string;
  /** The author's own frames, the innermost first: `plugin.ts:12 in check`. */
  frames: string[];
  /** The error's text, which may repeat the payload: the operator reads it only where `fault-detail = true`. */
  detail: string;
}

// As many as the contract takes.
const FRAMES = 16;

/** What a thrown value comes to. `origin` was made where the plugin was: what has no frames of the author's is told of that. */
export function told(thrown: unknown, origin: Error): Fault {
  const found = frames(thrown);
  const detail = thrown instanceof Error ? thrown.message : String(thrown);
  return { kind: kind(thrown), frames: (found.length > 0 ? found : frames(origin)).slice(0, FRAMES), detail };
}

/** The author's line of a place in the bundle, both counted from 1. */
export function lineOf(row: number, column: number): string | undefined {
  return mapped(row, column);
}

/** The frames of where a plugin was made. */
export function place(origin: Error): string[] {
  return frames(origin).slice(0, FRAMES);
}

/** The same as a text. */
export function words(thrown: unknown, origin: Error): string {
  const fault = told(thrown, origin);
  const said = fault.detail === "" ? fault.kind : `${fault.kind}: ${fault.detail}`;
  return [said, ...fault.frames.map((frame) => `  at ${frame}`)].join("\n");
}

function kind(thrown: unknown): string {
  if (thrown instanceof Error) return thrown.name;
  return `a thrown ${thrown === null ? "null" : typeof thrown}`;
}

function frames(thrown: unknown): string[] {
  const stack = thrown instanceof Error && typeof thrown.stack === "string" ? thrown.stack : "";
  return stack.split("\n").flatMap((line) => {
    // QuickJS: `at name (/file:1:2)`; V8 names objects and paths besides.
    const found = /^\s*at (?:(?:async |new |Object\.|Module\.)*(\S+) )?\(?(?:file:\/\/)?(.*?):(\d+):(\d+)\)?$/.exec(line);
    if (found === null) return [];
    const [, name, file = "", row = "0", column = "0"] = found;
    const here = lines === undefined ? nativeFrame(file, row) : lines.bundle === undefined || file === lines.bundle ? mapped(Number(row), Number(column)) : undefined;
    if (here === undefined) return [];
    return [name === undefined || name === "<anonymous>" ? here : `${here} in ${name}`];
  });
}

function nativeFrame(file: string, row: string): string | undefined {
  if (file.startsWith("node:") || file.startsWith(own) || file.includes("/node_modules/")) return undefined;
  return `${file.split("/").at(-1) ?? file}:${row}`;
}

function mapped(row: number, column: number): string | undefined {
  const segments = lines?.lines[row - 1 - (lines.above ?? 0)] ?? [];
  let found: string | undefined;
  for (let at = 0; at + 2 < segments.length; at += 3) {
    if (found !== undefined && (segments[at] ?? 0) > column - 1) break;
    const file = lines?.files[segments[at + 1] ?? -1];
    found = file === undefined || file === "" ? undefined : `${file}:${segments[at + 2]}`;
  }
  return found;
}
