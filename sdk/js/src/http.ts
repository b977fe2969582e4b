/**
 * HTTP requests, to the hosts that the operator grants. The manifest asks for them:
 *
 * ```toml
 * [asks]
 * http = { hosts = ["api.example.com"], why = "looks up what it is asked about" }
 * ```
 *
 * A request takes of the hook's own time and is cut with it, unless its own `timeout` is shorter: then it fails as `timed-out`, and
 * the hook can still decide. Nothing is retried and no redirect is followed. In tests, `answerHttp` of `sandgate/testing` says what
 * comes back.
 *
 * ```ts
 * import { http } from "sandgate";
 * import { answerHttp } from "sandgate/testing";
 *
 * answerHttp("https://api.example.com/v1?q=1", { body: '{"known": true}' });
 * const reply = http.get("https://api.example.com/v1?q=1");
 * assert.deepEqual([reply.status, reply.json()], [200, { known: true }]);
 * answerHttp("https://api.example.com/slow", { delay: 1000 });
 * assert.throws(() => http.get("https://api.example.com/slow", { timeout: 200 }), { kind: "timed-out" });
 * assert.throws(() => http.post("https://elsewhere.example/", "x"), { kind: "refused", message: "connection-refused" });
 * ```
 */

import { gateway } from "./border.js";
import { decode, encode } from "./bytes.js";
import { type Json, utf8 } from "./json.js";

/** Bytes of a reply's body, unless a request says otherwise. */
export const LIMIT = 1 << 20;

/** What a request may say beside its address. */
export interface Options {
  headers?: { [name: string]: string };
  /** The most bytes that the reply's body may have. */
  limit?: number;
  /** Milliseconds from now to the reply's last byte; as many as the hook has, unless set. */
  timeout?: number;
}

/**
 * Why there is no reply. `denied`: the operator has not granted this host, or the manifest does not ask for http. `too-large`: the
 * body has more bytes than `limit`. `timed-out`: it took longer than `timeout`, or connecting longer than it may. `refused`: nobody
 * takes the connection. `cut`: it ended before the reply did. `failed`: anything else.
 */
export type FailureKind = "denied" | "too-large" | "timed-out" | "refused" | "cut" | "failed";

/** There is no reply, and why; the message is WASI's word for it, for example `connection-refused`. */
export class Failure extends Error {
  override readonly name = "http.Failure";
  constructor(readonly kind: FailureKind, message: string) {
    super(message);
  }
}

const KINDS: { [word: string]: FailureKind } = {
  "DNS-timeout": "timed-out",
  "connection-timeout": "timed-out",
  "connection-read-timeout": "timed-out",
  "connection-write-timeout": "timed-out",
  "HTTP-response-timeout": "timed-out",
  "DNS-error": "refused",
  "destination-not-found": "refused",
  "destination-unavailable": "refused",
  "destination-IP-unroutable": "refused",
  "connection-refused": "refused",
  "connection-terminated": "cut",
  "HTTP-response-incomplete": "cut",
};

/** @internal What WASI's word for it is thrown as. */
export function failure(word: string): Failure {
  if (word === "HTTP-request-denied") return new Failure("denied", "the operator has not granted this host");
  return new Failure(KINDS[word] ?? "failed", word);
}

/** What came back, whatever its status. */
export interface Reply {
  readonly status: number;
  /** By name in small letters; those of one name are joined by `, `. */
  readonly headers: { readonly [name: string]: string };
  readonly body: Uint8Array;
  /** The body, as UTF-8. */
  text(): string;
  /** The body, as JSON; a `SyntaxError` where it is none. */
  json(): Json;
}

/** Asks for what is there. */
export function get(url: string, options: Options = {}): Reply {
  return request("GET", url, "", options);
}

/** Sends something there. */
export function post(url: string, body: Uint8Array | string, options: Options = {}): Reply {
  return request("POST", url, body, options);
}

/** Any other method; a text goes as UTF-8. */
export function request(method: string, url: string, body: Uint8Array | string = "", options: Options = {}): Reply {
  const found = /^(https?):\/\/([^/?#]+)([^#]*)/.exec(url);
  if (found === null) throw new TypeError("url: begins with http:// or https:// and a host");
  const [, scheme = "", authority = "", rest = ""] = found;
  const path = rest.startsWith("/") ? rest : `/${rest}`;
  const headers = Object.entries(options.headers ?? {}).map(([name, value]): [string, Uint8Array] => [name, encode(utf8(value, name))]);
  const content = typeof body === "string" ? encode(utf8(body, "body")) : body;
  const { limit = LIMIT, timeout } = options;
  const fetched = gateway().fetch({ method: method.toUpperCase(), scheme, authority, path, headers, body: content, limit, timeout });
  const joined: { [name: string]: string } = Object.create(null) as { [name: string]: string };
  for (const [name, value] of fetched.headers) {
    const low = name.toLowerCase();
    joined[low] = low in joined ? `${joined[low]}, ${decode(value)}` : decode(value);
  }
  return {
    status: fetched.status,
    headers: joined,
    body: fetched.body,
    text: () => decode(fetched.body),
    json: () => JSON.parse(decode(fetched.body)) as Json,
  };
}
