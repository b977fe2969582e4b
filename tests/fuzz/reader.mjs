// What the TypeScript SDKs of both ages read. Run with the peers' folder as its argument; stdin and stdout are as in
// reader.py.

import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const peers = process.argv[2];
const require = createRequire(join(peers, "package.json"));
const load = (name) => import(pathToFileURL(require.resolve(name)));

const { JSONRPCMessageSchema } = await load("@modelcontextprotocol/sdk/types.js");
const { parseJSONRPCMessage } = await load("@modelcontextprotocol/client");
const { createParser } = await load("eventsource-parser");

// The modern server's check of Mcp-Name is not public: it is found by its name in the module that holds it.
const dist = join(peers, "node_modules/@modelcontextprotocol/server/dist");
let checkHeaders;
for (const name of readdirSync(dist).filter((name) => /^src-.*\.mjs$/.test(name))) {
  const alias = /\bvalidateStandardRequestHeaders as (\w+)/.exec(readFileSync(join(dist, name), "utf8"));
  if (alias) checkHeaders = (await import(pathToFileURL(join(dist, name))))[alias[1]];
}
if (!checkHeaders) throw new Error("the modern server no longer exports its check of headers");

const bits = new DataView(new ArrayBuffer(8));

// The form in which values are compared: see runtime/gateway/src/fuzzing/reading.rs.
function tree(value) {
  if (value === null || typeof value === "boolean") return value;
  if (typeof value === "number") {
    bits.setFloat64(0, value + 0);
    return ["n", bits.getBigUint64(0).toString(16).padStart(16, "0")];
  }
  if (typeof value === "string") return ["s", value];
  if (Array.isArray(value)) return ["a", value.map(tree)];
  const members = [];
  // With what is inherited: code that asks for a member finds that too.
  for (const name in value) members.push([name, tree(value[name])]);
  return ["o", members];
}

function message(read) {
  const kind =
    "result" in read ? "result" : "error" in read ? "error" : "id" in read ? "request" : "notification";
  return {
    kind,
    id: read.id === undefined ? null : tree(read.id),
    method: read.method ?? null,
    payload: tree(read.result ?? read.error ?? read.params ?? {}),
  };
}

const legacy = (value) => message(JSONRPCMessageSchema.parse(value));
const modern = (value) => message(parseJSONRPCMessage(value));

function messages(text, read) {
  const found = { messages: [], ids: [] };
  const onEvent = (event) => {
    if (event.id) found.ids.push(event.id);
    if (!event.data || (event.event && event.event !== "message")) return;
    try {
      found.messages.push(read(JSON.parse(event.data)));
    } catch {
      // The SDK's client reports it and goes on.
    }
  };
  // The decoder of a stream takes a byte order mark away.
  createParser({ onEvent }).feed(new TextDecoder().decode(new TextEncoder().encode(text)));
  return found;
}

function named(text) {
  const { header, text: read } = JSON.parse(text);
  const method = "tools/call";
  const request = { protocolVersionHeader: "2026-07-28", mcpMethodHeader: method, mcpNameHeader: header };
  const body = { messageKind: "request", message: { method, params: { name: read } }, classification: { era: "modern" } };
  const refused = checkHeaders(request, body);
  if (!refused) return read;
  if (refused.cell !== "name-header-mismatch") throw new SyntaxError(refused.cell);
  return refused.data?.mismatch ?? "something else";
}

function hosts(text) {
  const [host, ...origin] = text.split("\n");
  const all = [new URL(`http://${host}`).hostname];
  if (origin.length) all.push(new URL(origin.join("\n")).hostname);
  return all;
}

// The file that a server would open for a URI.
function file(text) {
  const url = new URL(text);
  if (url.protocol !== "file:") throw new SyntaxError("no file");
  return decodeURIComponent(url.pathname);
}

const PARSERS = {
  j: { "JSON.parse": (text) => tree(JSON.parse(text)) },
  m: {
    "sdk 1": (text) => [legacy(JSON.parse(text))],
    "client 2": (text) => [modern(JSON.parse(text))],
  },
  s: {
    "sdk 1": (text) => messages(text, legacy),
    "client 2": (text) => messages(text, modern),
  },
  h: { "server 2": named },
  o: { "new URL": hosts },
  u: { "new URL": file },
};

let input = Buffer.alloc(0);
for await (const chunk of process.stdin) {
  input = input.length ? Buffer.concat([input, chunk]) : chunk;
  while (input.length >= 5) {
    const end = 5 + input.readUInt32BE(1);
    if (input.length < end) break;
    const kind = String.fromCharCode(input[0]);
    const text = input.subarray(5, end).toString("utf8");
    input = input.subarray(end);
    const readings = [];
    for (const [name, parse] of Object.entries(PARSERS[kind])) {
      try {
        readings.push([name, parse(text)]);
      } catch (error) {
        if (error instanceof ReferenceError) throw error;
      }
    }
    process.stdout.write(`${JSON.stringify(readings)}\n`);
  }
}
