/**
 * Settings as a table of fields: typed for the plugin, a JSON Schema for the gateway.
 *
 * ```ts
 * import { integer, oneOf, plugin, text } from "sandgate";
 *
 * const made = plugin({
 *   settings: { maskWith: text({ default: "[email]", description: "What an address becomes." }), mode: oneOf("mask", "drop") },
 *   postCall: { events: "tools/call", run: (ctx, reply, settings) => void reply.mapTexts(() => settings.maskWith) },
 * });
 * assert.deepEqual(made.schema.required, ["mode"]);
 * ```
 */

import type { Json } from "./json.js";
import { escape } from "./pointer.js";

/** What is wrong with the settings, and where: a JSON Pointer into them. */
export interface Issue {
  pointer: string;
  message: string;
}

/** Everything that is wrong with the settings, so that the operator mends it in one go. */
export class Issues implements Iterable<Issue> {
  readonly #issues: Issue[] = [];

  /** One more. The message says what was wrong and what to do. */
  add(pointer: string, message: string): void {
    this.#issues.push({ pointer, message });
  }

  /** In the order they were found. */
  [Symbol.iterator](): Iterator<Issue> {
    return this.#issues[Symbol.iterator]();
  }
}

/** What may be said of any field. */
export interface About<T> {
  /** One sentence, for the operator. */
  description?: string;
  /** What it is where the operator sets nothing; without one it must be set. */
  default?: T;
  /** More keywords of JSON Schema, which the gateway checks. */
  schema?: { [keyword: string]: Json };
}

/** One field, or what stands in one. */
export class Field<T> {
  constructor(
    readonly schema: { [keyword: string]: Json },
    readonly read: (value: Json, at: string) => T,
    readonly fallback?: { value: T },
  ) {}
}

/** Fields by the names that the plugin uses; in the configuration they are written with hyphens. */
export type Fields = { [name: string]: Field<unknown> };

/** What a plugin sees of these fields. */
export type SettingsOf<F extends Fields> = { readonly [N in keyof F]: F[N] extends Field<infer T> ? T : never };

/** Settings that do not fit. */
export class Unfit extends Error {
  constructor(readonly pointer: string, readonly problem: string) {
    super(`${pointer}: ${problem}`);
  }
}

/** A text. */
export const text = (about: About<string> = {}): Field<string> => plain("string", "text", about);
/** True or false. */
export const truth = (about: About<boolean> = {}): Field<boolean> => plain("boolean", "true or false", about);
/** A number. */
export const number = (about: About<number> = {}): Field<number> => plain("number", "a number", about);

/** A whole number. */
export function integer(about: About<number> = {}): Field<number> {
  return field({ type: "integer" }, about, (value, at) => {
    if (!Number.isInteger(value)) throw new Unfit(at, "a whole number is wanted");
    return value as number;
  });
}

/** One of several words. */
export function oneOf<const W extends readonly string[]>(...words: W): Field<W[number]> {
  return choice(words, {});
}

/** One of several words, with a description or a default. */
export function choice<const W extends readonly string[]>(words: W, about: About<W[number]>): Field<W[number]> {
  return field({ enum: [...words] }, about, (value, at) => {
    if (!words.includes(value as string)) throw new Unfit(at, `one of these is wanted: ${words.join(", ")}`);
    return value as W[number];
  });
}

/** A list. */
export function list<T>(element: Field<T>, about: About<readonly T[]> = {}): Field<readonly T[]> {
  return field({ type: "array", items: element.schema }, about, (value, at) => {
    if (!Array.isArray(value)) throw new Unfit(at, "a list is wanted");
    return value.map((part, index) => element.read(part, `${at}/${index}`));
  });
}

/** A table with any names. */
export function table<T>(element: Field<T>, about: About<{ readonly [name: string]: T }> = {}): Field<{ readonly [name: string]: T }> {
  return field({ type: "object", additionalProperties: element.schema }, about, (value, at) => {
    const entries = Object.entries(asTable(value, at));
    return Object.fromEntries(entries.map(([name, part]) => [name, element.read(part, `${at}/${escape(name)}`)]));
  });
}

/** A table with these fields. */
export function record<F extends Fields>(fields: F, about: About<SettingsOf<F>> = {}): Field<SettingsOf<F>> {
  return field(schemaOf(fields), about, (value, at) => read(fields, value, at));
}

/** What may be left out; undefined then. */
export function optional<T>(inner: Field<T>): Field<T | undefined> {
  return new Field<T | undefined>(inner.schema, inner.read, { value: undefined });
}

/** Any JSON value. */
export function anything(about: About<Json> = {}): Field<Json> {
  return field({}, about, (value) => value);
}

/** The schema of these fields. */
export function schemaOf(fields: Fields): { [keyword: string]: Json } {
  const entries = Object.entries(fields);
  const required = entries.filter(([, { fallback }]) => fallback === undefined).map(([name]) => key(name));
  return {
    type: "object",
    additionalProperties: false,
    properties: Object.fromEntries(entries.map(([name, { schema }]) => [key(name), schema])),
    ...(required.length > 0 ? { required } : {}),
  };
}

/** The settings, typed. Throws {@link Unfit}. */
export function read<F extends Fields>(fields: F, given: Json, at = ""): SettingsOf<F> {
  const values = asTable(given, at);
  const known = new Map(Object.keys(fields).map((name) => [key(name), name]));
  for (const name of Object.keys(values)) {
    if (!known.has(name)) throw new Unfit(`${at}/${escape(name)}`, `unknown; known are ${[...known.keys()].join(", ") || "none"}`);
  }
  const made: { [name: string]: unknown } = {};
  for (const [name, { read: readField, fallback }] of Object.entries(fields)) {
    const here = `${at}/${escape(key(name))}`;
    if (Object.hasOwn(values, key(name))) made[name] = readField(values[key(name)] ?? null, here);
    else if (fallback !== undefined) made[name] = fallback.value;
    else throw new Unfit(here, "missing");
  }
  return made as SettingsOf<F>;
}

function plain<T extends string | boolean | number>(type: string, words: string, about: About<T>): Field<T> {
  return field({ type }, about, (value, at) => {
    if (typeof value !== type) throw new Unfit(at, `${words} is wanted`);
    return value as T;
  });
}

function field<T>(schema: { [keyword: string]: Json }, about: About<T>, readField: (value: Json, at: string) => T): Field<T> {
  const made = { ...schema, ...about.schema };
  if (about.description !== undefined) made["description"] = about.description;
  if (about.default === undefined) return new Field(made, readField);
  made["default"] = about.default as Json;
  return new Field(made, readField, { value: about.default });
}

function asTable(value: Json, at: string): { [name: string]: Json } {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Unfit(at, "a table is wanted");
  return value;
}

function key(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
