/** What to take in place of Node's own modules, which a component has not. */

import { builtinModules } from "node:module";
import type { Message } from "esbuild";

const ADVICE: { [name: string]: string } = {
  assert: "throw an error",
  buffer: "take Uint8Array, and `encode` and `decode` of the package sandgate",
  crypto: "take `random.bytes` of the package sandgate or `crypto.getRandomValues`; for hashes a package in plain JavaScript",
  "crypto.webcrypto": "take `crypto.getRandomValues`",
  fs: "a component has no files: import what you need, for example `import words from \"./words.json\"`",
  http: "take `http` of the package sandgate",
  https: "take `http` of the package sandgate",
  net: "there are no sockets: take `http` of the package sandgate",
  process: "what the operator sets are settings, see `plugin({ settings })`",
  timers: "nothing is called after a hook has returned",
  url: "`URL` and `URLSearchParams` are there without an import",
  util: "`TextEncoder` and `TextDecoder` are there without an import",
};

/** esbuild's message; of a module of Node's, that a plugin has none of them and what to take. */
export function advised(message: Message): Message {
  const name = /^Could not resolve "(?:node:)?([^"]+)"/.exec(message.text)?.[1];
  const [root = ""] = (name ?? "").split("/");
  if (name === undefined || !(builtinModules.includes(name) || builtinModules.includes(root) || message.text.includes('"node:'))) return message;
  const advice = ADVICE[root];
  return { ...message, text: `${name} is a module of Node's, and a plugin runs without Node${advice === undefined ? "" : `: ${advice}`}`, notes: [] };
}
