/**
 * QuickJS gives back what it borrowed only after a call has returned, and the component model wants it before. This puts
 * that right in the component that `componentize-qjs` made: the exported hooks give context and document back themselves,
 * and what would do so later does nothing.
 */

const CALL = "sandgate:interceptor/call@0.1.0";
const HOOKS = ["sandgate:interceptor/pre-call@0.1.0#handle", "sandgate:interceptor/post-call@0.1.0#handle"];

/** The component is not of the shape that is known; another version of componentize-qjs made it. */
export class UnknownShape extends Error {}

interface Section {
  id: number;
  start: number;
  end: number;
}

/** The component with hooks that give back what they borrowed in time. */
export function giveBackInTime(component: Uint8Array): Uint8Array {
  let patched = 0;
  const made = rebuild(component, (outer, body) => {
    if (outer !== 4) return undefined;
    return rebuild(body, (id, module) => {
      if (id !== 1 || !exportsHooks(module)) return undefined;
      patched += 1;
      return patchModule(module);
    });
  });
  if (patched !== 1) throw new UnknownShape(`${patched} modules export the hooks`);
  return made;
}

function rebuild(bytes: Uint8Array, change: (id: number, body: Uint8Array) => Uint8Array | undefined): Uint8Array {
  const parts: Uint8Array[] = [bytes.subarray(0, 8)];
  for (const { id, start, end } of sections(bytes)) {
    const body = bytes.subarray(start, end);
    const made = change(id, body) ?? body;
    parts.push(Uint8Array.of(id), leb(made.length), made);
  }
  return join(parts);
}

function sections(bytes: Uint8Array): Section[] {
  const found: Section[] = [];
  const reader = new Reader(bytes, 8);
  while (reader.at < bytes.length) {
    const id = reader.byte();
    const size = reader.leb();
    found.push({ id, start: reader.at, end: reader.at + size });
    reader.at += size;
  }
  return found;
}

function exportsHooks(module: Uint8Array): boolean {
  const section = sections(module).find(({ id }) => id === 7);
  if (section === undefined) return false;
  const names = exportedFunctions(module.subarray(section.start, section.end));
  return HOOKS.every((hook) => names.has(hook));
}

function patchModule(module: Uint8Array): Uint8Array {
  const body = (wanted: number): Uint8Array => {
    const section = sections(module).find(({ id }) => id === wanted);
    if (section === undefined) throw new UnknownShape(`no section ${wanted}`);
    return module.subarray(section.start, section.end);
  };
  const imports = importedFunctions(body(2));
  const find = (name: string): { index: number; type: number } => {
    const found = imports.find((entry) => entry.name === name);
    if (found === undefined) throw new UnknownShape(`no import ${name}`);
    return found;
  };
  const dropContext = find(`${CALL} [resource-drop]context`);
  const dropDocument = find(`${CALL} [resource-drop]document`);
  const exportCall = find("env wit_dylib_export_call");
  const own = new Reader(body(3));
  const nothing = imports.length + own.leb();
  const exported = exportedFunctions(body(7));
  const hooks = HOOKS.map((hook) => (exported.get(hook) ?? -1) - imports.length);
  return rebuild(module, (id, section) => {
    if (id === 3) return appended(section, leb(dropContext.type));
    if (id === 9) return withoutDrops(section, [dropContext.index, dropDocument.index], nothing);
    if (id === 10) {
      const giveBack = join([
        Uint8Array.of(0x20, 0, 0x10), leb(dropContext.index),
        Uint8Array.of(0x20, 1, 0x10), leb(dropDocument.index),
      ]);
      return withGivingBack(section, hooks, exportCall.index, giveBack);
    }
    return undefined;
  });
}

/** A vector with one more element. */
function appended(section: Uint8Array, element: Uint8Array): Uint8Array {
  const reader = new Reader(section);
  const count = reader.leb();
  return join([leb(count + 1), section.subarray(reader.at), element]);
}

/** The one segment of functions, with `nothing` in place of those that give handles back. */
function withoutDrops(section: Uint8Array, drops: number[], nothing: number): Uint8Array {
  const reader = new Reader(section);
  const [segments, flags, table, globalGet] = [reader.leb(), reader.leb(), reader.leb(), reader.byte()];
  reader.leb();
  const [end, kind] = [reader.byte(), reader.byte()];
  if (segments !== 1 || flags !== 2 || table !== 0 || globalGet !== 0x23 || end !== 0x0b || kind !== 0) {
    throw new UnknownShape("its table is filled in another way");
  }
  const count = reader.leb();
  const head = section.subarray(0, reader.at);
  const functions: Uint8Array[] = [];
  let replaced = 0;
  for (let element = 0; element < count; element += 1) {
    const index = reader.leb();
    const isDrop = drops.includes(index);
    replaced += isDrop ? 1 : 0;
    functions.push(leb(isDrop ? nothing : index));
  }
  if (replaced !== drops.length) throw new UnknownShape("its table gives handles back in another way");
  return join([head, ...functions]);
}

function withGivingBack(section: Uint8Array, hooks: number[], exportCall: number, giveBack: Uint8Array): Uint8Array {
  const reader = new Reader(section);
  const count = reader.leb();
  const bodies: Uint8Array[] = [];
  const call = join([Uint8Array.of(0x10), leb(exportCall)]);
  for (let index = 0; index < count; index += 1) {
    const size = reader.leb();
    let body = section.subarray(reader.at, reader.at + size);
    reader.at += size;
    if (hooks.includes(index)) {
      const at = only(body, call) + call.length;
      body = join([body.subarray(0, at), giveBack, body.subarray(at)]);
    }
    bodies.push(leb(body.length), body);
  }
  // No locals, nothing done.
  return join([leb(count + 1), ...bodies, Uint8Array.of(2, 0, 0x0b)]);
}

function only(bytes: Uint8Array, wanted: Uint8Array): number {
  const places: number[] = [];
  for (let at = 0; at + wanted.length <= bytes.length; at += 1) {
    if (wanted.every((byte, index) => bytes[at + index] === byte)) places.push(at);
  }
  const [place] = places;
  if (place === undefined || places.length !== 1) throw new UnknownShape("its hooks are called in another way");
  return place;
}

function importedFunctions(section: Uint8Array): { name: string; index: number; type: number }[] {
  const reader = new Reader(section);
  const found: { name: string; index: number; type: number }[] = [];
  for (let left = reader.leb(); left > 0; left -= 1) {
    const name = `${reader.name()} ${reader.name()}`;
    const kind = reader.byte();
    if (kind === 0) found.push({ name, index: found.length, type: reader.leb() });
    else if (kind === 1) {
      reader.byte();
      reader.limits();
    } else if (kind === 2) reader.limits();
    else if (kind === 3) reader.at += 2;
    else throw new UnknownShape(`an import of kind ${kind}`);
  }
  return found;
}

function exportedFunctions(section: Uint8Array): Map<string, number> {
  const reader = new Reader(section);
  const found = new Map<string, number>();
  for (let left = reader.leb(); left > 0; left -= 1) {
    const name = reader.name();
    const kind = reader.byte();
    const index = reader.leb();
    if (kind === 0) found.set(name, index);
  }
  return found;
}

class Reader {
  at: number;
  constructor(private readonly bytes: Uint8Array, at = 0) {
    this.at = at;
  }
  byte(): number {
    const byte = this.bytes[this.at];
    if (byte === undefined) throw new UnknownShape("it ends too early");
    this.at += 1;
    return byte;
  }
  leb(): number {
    let [value, factor] = [0, 1];
    for (;;) {
      const byte = this.byte();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
      factor *= 128;
    }
  }
  name(): string {
    const length = this.leb();
    const text = new TextDecoder().decode(this.bytes.subarray(this.at, this.at + length));
    this.at += length;
    return text;
  }
  limits(): void {
    const flags = this.byte();
    this.leb();
    if (flags & 1) this.leb();
  }
}

/** A number as unsigned LEB128. */
export function leb(value: number): Uint8Array {
  const bytes: number[] = [];
  do {
    const low = value % 128;
    value = Math.floor(value / 128);
    bytes.push(value > 0 ? low | 0x80 : low);
  } while (value > 0);
  return Uint8Array.from(bytes);
}

/** One array of several. */
export function join(parts: Uint8Array[]): Uint8Array {
  const made = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let at = 0;
  for (const part of parts) {
    made.set(part, at);
    at += part.length;
  }
  return made;
}
