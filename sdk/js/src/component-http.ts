/** Requests by the world's own imports. Used in components only, and only where the manifest asks for http. */

import type { Fetch, Fetched } from "./border.js";
import { encode } from "./bytes.js";
import { Failure, failure } from "./http.js";

/** Given back when it is no longer needed, and before what it came from. */
interface Held {
  [Symbol.dispose](): void;
}

interface Fields extends Held {
  append(name: string, value: Uint8Array): void;
  entries(): [string, Uint8Array][];
}

interface Pollable extends Held {
  block(): void;
}

interface OutputStream extends Held {
  checkWrite(): number | bigint;
  write(bytes: Uint8Array): void;
  blockingWriteAndFlush(bytes: Uint8Array): void;
  flush(): void;
  subscribe(): Pollable;
}

interface InputStream extends Held {
  blockingRead(length: number): Uint8Array;
  subscribe(): Pollable;
}

interface OutgoingBody extends Held {
  write(): OutputStream;
}

interface OutgoingRequest extends Held {
  body(): OutgoingBody;
  setMethod(method: { tag: string; val?: string }): void;
  setScheme(scheme: { tag: string }): void;
  setAuthority(authority: string): void;
  setPathWithQuery(path: string): void;
}

interface IncomingBody extends Held {
  stream(): InputStream;
}

interface IncomingResponse extends Held {
  status(): number;
  headers(): Fields;
  consume(): IncomingBody;
}

type Result<T, E> = { tag: "ok"; val: T } | { tag: "err"; val: E };

interface Coming extends Held {
  subscribe(): Pollable;
  get(): Result<Result<IncomingResponse, Code>, void> | null | undefined;
}

interface Code {
  tag: string;
}

/** The imports, as the engine gives them. */
export interface Http {
  types: {
    Fields: new () => Fields;
    OutgoingRequest: new (headers: Fields) => OutgoingRequest;
    OutgoingBody: { finish(body: OutgoingBody, trailers: null): void };
  };
  outgoing: { handle(request: OutgoingRequest, options: null): Coming };
  poll: { poll(pollables: Pollable[]): Iterable<number> };
  clock: { subscribeDuration(nanoseconds: number): Pollable };
}

/** Waits until it is ready, and gives it back; throws where the request is given up before. */
type Wait = (ready: Pollable) => void;

const METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"];
const AT_ONCE = 64 << 10;
/** What one write takes. */
const WRITE = 4096;

/** Requests by these imports. */
export function fetcher({ types, outgoing, poll, clock }: Http): (fetch: Fetch) => Fetched {
  const sent = ({ method, scheme, authority, path, headers, body, timeout }: Fetch, wait: Wait): Coming => {
    const fields = new types.Fields();
    for (const [name, value] of headers) fields.append(name, value);
    if (body.length > 0) fields.append("content-length", encode(String(body.length)));
    const request = new types.OutgoingRequest(fields);
    request.setMethod(METHODS.includes(method) ? { tag: method.toLowerCase() } : { tag: "other", val: method });
    request.setScheme({ tag: scheme === "https" ? "HTTPS" : "HTTP" });
    request.setAuthority(authority);
    request.setPathWithQuery(path);
    if (body.length === 0) return outgoing.handle(request, null);
    const content = request.body();
    const coming = outgoing.handle(request, null);
    try {
      held(content.write(), (stream) => (timeout === undefined ? writeAll(stream, body) : write(stream, body, wait)));
      types.OutgoingBody.finish(content, null);
    } catch (thrown) {
      // Who answers need not have read everything; where nobody does, the reply says why.
      if (thrown instanceof Failure) {
        content[Symbol.dispose]();
        coming[Symbol.dispose]();
        throw thrown;
      }
    }
    return coming;
  };
  const asked = (fetch: Fetch, wait: Wait): Fetched =>
    held(sent(fetch, wait), (coming) => {
      wait(coming.subscribe());
      const got = coming.get();
      if (got?.tag !== "ok") throw failure("internal-error");
      if (got.val.tag === "err") throw failure(got.val.val.tag);
      return held(got.val.val, (response) => {
        const headers = held(response.headers(), (fields) => fields.entries());
        const body = held(response.consume(), (content) => held(content.stream(), (stream) => whole(stream, fetch, wait)));
        return { status: response.status(), headers, body };
      });
    });
  return (fetch) => {
    try {
      if (fetch.timeout === undefined) return asked(fetch, (ready) => held(ready, () => ready.block()));
      return held(clock.subscribeDuration(Math.max(0, Math.round(fetch.timeout * 1e6))), (timer) =>
        asked(fetch, (ready) =>
          held(ready, () => {
            if (![...poll.poll([ready, timer])].includes(0)) throw failure("HTTP-response-timeout");
          }),
        ),
      );
    } catch (thrown) {
      // The engine wraps an import's error.
      const code = (thrown as { payload?: Code } | null)?.payload;
      throw code === undefined ? thrown : failure(code.tag);
    }
  };
}

function writeAll(stream: OutputStream, body: Uint8Array): void {
  for (let at = 0; at < body.length; at += WRITE) stream.blockingWriteAndFlush(body.subarray(at, at + WRITE));
}

/** Writes as much as is taken until the request is given up. */
function write(stream: OutputStream, body: Uint8Array, wait: Wait): void {
  for (let at = 0; at < body.length; ) {
    wait(stream.subscribe());
    const room = Math.min(Number(stream.checkWrite()), body.length - at);
    stream.write(body.subarray(at, at + room));
    at += room;
  }
  stream.flush();
  wait(stream.subscribe());
}

function whole(stream: InputStream, { limit, timeout }: Fetch, wait: Wait): Uint8Array {
  const parts: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    if (timeout !== undefined) wait(stream.subscribe());
    let part: Uint8Array;
    try {
      part = stream.blockingRead(AT_ONCE);
    } catch (thrown) {
      if ((thrown as { payload?: Code } | null)?.payload?.tag === "closed") break;
      throw failure("HTTP-response-incomplete");
    }
    parts.push(part);
    length += part.length;
    if (length > limit) throw new Failure("too-large", `the reply has more than ${limit} bytes`);
  }
  const body = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    body.set(part, at);
    at += part.length;
  }
  return body;
}

function held<T extends Held, R>(resource: T, use: (resource: T) => R): R {
  try {
    return use(resource);
  } finally {
    resource[Symbol.dispose]();
  }
}
