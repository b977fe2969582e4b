/**
 * Which strings people or models read, as the contract's `texts` has it. What stands where the protocol has machinery of its
 * own is left out where it looks like it; everything else is text.
 */

import { escape } from "../pointer.js";
import { member, type Tree } from "./tree.js";

type Names = { readonly [name: string]: string };

const BLOCKS = ["text", "image", "audio", "resource", "resource_link", "tool_use", "tool_result"];
const TOKEN = /^[!-~]{1,256}$/;
const NAME = String.raw`[^/",()<>@:[\]?=; \x00-\x1f\x7f-\u{10ffff}]{1,256}`;
const MIME = new RegExp(`^${NAME}/${NAME}(?:; *${NAME}=[!-:<-~]{1,256} *)*$`, "u");
const BASE64 = /^[A-Za-z0-9+/=\-_\r\n]*$/;

const CARRIED: Names = {
  content: "content",
  contents: "contents-list",
  messages: "messages",
  tools: "definitions",
  prompts: "definitions",
  resources: "definitions",
  resourceTemplates: "definitions",
  clientInfo: "implementation",
  serverInfo: "implementation",
  task: "task",
  tasks: "tasks",
  result: "carried",
  inputResponses: "responses",
  inputRequests: "requests",
  _meta: "meta",
};
/** What a member is, by what it stands in; `*` for every name. */
const MEMBERS: { readonly [place: string]: Names } = {
  document: {
    ...CARRIED,
    cursor: "always",
    nextCursor: "always",
    requestState: "always",
    taskId: "token",
    requestId: "token",
    progressToken: "token",
    elicitationId: "token",
    protocolVersion: "token",
    resultType: "result-type",
  },
  carried: CARRIED,
  responses: { "*": "carried" },
  requests: { "*": "request" },
  request: { params: "carried" },
  meta: {
    progressToken: "token",
    traceparent: "token",
    tracestate: "token",
    "io.modelcontextprotocol/protocolVersion": "token",
    "io.modelcontextprotocol/subscriptionId": "token",
    "io.modelcontextprotocol/logLevel": "token",
    "io.modelcontextprotocol/related-task": "task",
    "io.modelcontextprotocol/clientInfo": "implementation",
    "io.modelcontextprotocol/serverInfo": "implementation",
  },
  implementation: { version: "token" },
  task: { taskId: "token" },
  message: { role: "role", content: "content", _meta: "meta" },
  contents: { mimeType: "mime", blob: "base64", _meta: "meta" },
  definition: { mimeType: "mime", icons: "definitions", _meta: "meta" },
  "block-image": { mimeType: "mime", data: "base64" },
  "block-audio": { mimeType: "mime", data: "base64" },
  "block-resource": { resource: "contents" },
  "block-resource_link": { mimeType: "mime", icons: "definitions" },
  "block-tool_use": { id: "token" },
  "block-tool_result": { toolUseId: "token", content: "content" },
};
/** What an object is, within a list of this. */
const ELEMENTS: Names = {
  content: "content",
  tasks: "task",
  "contents-list": "contents",
  definitions: "definition",
  messages: "message",
};
const WORDS: { readonly [place: string]: readonly string[] } = {
  "result-type": ["complete", "input_required", "task"],
  role: ["user", "assistant"],
};

/** Pointer and content of every text, in the document's order. */
export function texts(root: Tree): [string, string][] {
  const found: [string, string][] = [];
  walk(root, root.kind === "object" ? "document" : "text", "", found);
  return found;
}

/** Pointer and content of every string. */
export function strings(root: Tree): [string, string][] {
  const found: [string, string][] = [];
  walk(root, "text", "", found);
  return found;
}

/** Every member name, in the document's order. */
export function keys(root: Tree): string[] {
  return [...root.members.flatMap(([name, value]) => [name, ...keys(value)]), ...root.elements.flatMap(keys)];
}

function walk(value: Tree, place: string, pointer: string, found: [string, string][]): void {
  if (value.kind === "string") {
    if (!leavesOut(place, value)) found.push([pointer, value.string]);
  } else if (value.kind === "array") {
    value.elements.forEach((element, index) => {
      walk(element, element.kind === "object" ? named(ELEMENTS, place) : "text", `${pointer}/${index}`, found);
    });
  } else if (value.kind === "object") {
    const here = object(place, value);
    for (const [name, inner] of value.members) walk(inner, memberOf(here, name), `${pointer}/${escape(name)}`, found);
  }
}

function object(place: string, value: Tree): string {
  if (place === "content") {
    const type = member(value, "type");
    return type?.kind === "string" && BLOCKS.includes(type.string) ? `block-${type.string}` : "text";
  }
  if (place === "contents") return member(value, "uri")?.kind === "string" ? "contents" : "text";
  return Object.hasOwn(ELEMENTS, place) ? "text" : place;
}

function memberOf(place: string, name: string): string {
  if (place.startsWith("block-") && (name === "type" || name === "_meta")) return name === "type" ? "always" : "meta";
  const members = MEMBERS[place] ?? {};
  return Object.hasOwn(members, "*") ? named(members, "*") : named(members, name);
}

function named(names: Names, name: string): string {
  return Object.hasOwn(names, name) ? (names[name] ?? "text") : "text";
}

function leavesOut(place: string, { string, text }: Tree): boolean {
  if (place === "always") return true;
  // Machinery is not written with escapes.
  if (place === "token") return TOKEN.test(string) && !text.includes("\\");
  if (place === "mime") return MIME.test(string);
  if (place === "base64") return BASE64.test(string);
  return WORDS[place]?.includes(string) ?? false;
}
