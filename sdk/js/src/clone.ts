/** `structuredClone`, for values that a hook has: what JSON has, dates, patterns, errors, maps, sets and bytes, with circles. */

/** A deep copy; an error for functions and symbols, which have none. */
export function clone<T>(value: T): T {
  return copy(value, new Map()) as T;
}

function copy(value: unknown, known: Map<object, unknown>): unknown {
  if (typeof value === "function" || typeof value === "symbol") throw new TypeError(`structuredClone: a ${typeof value} cannot be cloned`);
  if (typeof value !== "object" || value === null) return value;
  const before = known.get(value);
  if (before !== undefined) return before;
  const keep = <M extends object>(made: M): M => {
    known.set(value, made);
    return made;
  };
  if (Array.isArray(value)) return filled(keep(new Array<unknown>(value.length)), value, known);
  if (value instanceof Date) return keep(new Date(value));
  if (value instanceof RegExp) return keep(new RegExp(value.source, value.flags));
  if (value instanceof ArrayBuffer) return keep(value.slice(0));
  if (ArrayBuffer.isView(value)) {
    const buffer = copy(value.buffer, known) as ArrayBuffer;
    const { length } = value as Uint8Array;
    return keep(new (value.constructor as Uint8ArrayConstructor)(buffer, value.byteOffset, length ?? value.byteLength));
  }
  if (value instanceof Map) {
    const made = keep(new Map<unknown, unknown>());
    for (const [key, part] of value) made.set(copy(key, known), copy(part, known));
    return made;
  }
  if (value instanceof Set) {
    const made = keep(new Set<unknown>());
    for (const part of value) made.add(copy(part, known));
    return made;
  }
  if (value instanceof Error) {
    const made = keep(new Error(value.message));
    for (const name of ["name", "stack"] as const) Object.defineProperty(made, name, { value: value[name], writable: true, configurable: true });
    return made;
  }
  return filled(keep({}), value, known);
}

function filled(made: object, of: object, known: Map<object, unknown>): object {
  for (const [name, part] of Object.entries(of)) {
    Object.defineProperty(made, name, { value: copy(part, known), writable: true, enumerable: true, configurable: true });
  }
  return made;
}
