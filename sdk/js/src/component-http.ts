/** Requests by the world's own imports. Used in components only, and only where the manifest asks for http. */

import type { Fetch, Fetched } from "./border.js";
import { encode } from "./bytes.js";
import { Failure } from "./http.js";

/** Given back when it is no longer needed, and before what it came from. */
interface Held {
  [Symbol.dispose](): void;
}

interface Fields extends Held {
  append(name: string, value: Uint8Array): void;
  entries(): [string, Uint8Array][];
}

interface OutputStream extends Held {
  blockingWriteAndFlush(bytes: Uint8Array): void;
}

interface InputStream extends Held {
  blockingRead(length: number): Uint8Array;
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
  subscribe(): Held & { block(): void };
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
}

const METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"];
const AT_ONCE = 64 << 10;
/** What one write takes. */
const WRITE = 4096;

/** Requests by these imports. */
export function fetcher({ types, outgoing }: Http): (fetch: Fetch) => Fetched {
  const sent = ({ method, scheme, authority, path, headers, body }: Fetch): Coming => {
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
      held(content.write(), (stream) => {
        for (let at = 0; at < body.length; at += WRITE) stream.blockingWriteAndFlush(body.subarray(at, at + WRITE));
      });
      types.OutgoingBody.finish(content, null);
    } catch {
      // Who answers need not have read everything; where nobody does, the reply says why.
    }
    return coming;
  };
  return (fetch) => {
    try {
      return held(sent(fetch), (coming) => {
        held(coming.subscribe(), (ready) => ready.block());
        const got = coming.get();
        if (got?.tag !== "ok") throw new Failure("failed", "internal-error");
        if (got.val.tag === "err") throw failure(got.val.val);
        return held(got.val.val, (response) => {
          const headers = held(response.headers(), (fields) => fields.entries());
          const body = held(response.consume(), (content) => held(content.stream(), (stream) => whole(stream, fetch.limit)));
          return { status: response.status(), headers, body };
        });
      });
    } catch (thrown) {
      // The engine wraps an import's error.
      const code = (thrown as { payload?: Code } | null)?.payload;
      throw code === undefined ? thrown : failure(code);
    }
  };
}

function whole(stream: InputStream, limit: number): Uint8Array {
  const parts: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    let part: Uint8Array;
    try {
      part = stream.blockingRead(AT_ONCE);
    } catch (thrown) {
      if ((thrown as { payload?: Code } | null)?.payload?.tag !== "closed") throw thrown;
      break;
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

function failure({ tag }: Code): Failure {
  if (tag === "HTTP-request-denied") return new Failure("denied", "the operator has not granted this host");
  return new Failure("failed", tag);
}
