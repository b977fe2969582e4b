/** Who calls what, as the gateway established it. */

import { Document, type Source } from "./document.js";
import type { Json } from "./json.js";

type Maybe<T> = T | null | undefined;

/** What a context asks; the contract's resource `context`. */
export interface Exchange {
  id(): string;
  method(): string;
  direction(): string;
  server(): string;
  target(): Maybe<string>;
  session(): Maybe<string>;
  principal(): Maybe<string>;
  definition(): Maybe<string>;
  params(): Maybe<Source>;
  failed(): boolean;
  remainingUs(): number;
  carry(note: Uint8Array): void;
  carried(): Maybe<Uint8Array>;
  attribute(name: string): Maybe<string>;
}

/** The exchange that a hook looks at. Each property asks the gateway; undefined is what it does not know. */
export class Context {
  readonly #exchange: Exchange;
  #params: Document | undefined;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
  }

  /** The same for the request and its reply, and in the call log. */
  get id(): string {
    return this.#exchange.id();
  }

  /** MCP method, for example `tools/call`. */
  get method(): string {
    return this.#exchange.method();
  }

  /** `client-to-server` or `server-to-client`. */
  get direction(): string {
    return this.#exchange.direction();
  }

  /** The server's name in the gateway's configuration. */
  get server(): string {
    return this.#exchange.server();
  }

  /** Tool or prompt name or resource URI, by the server's own name for it. */
  get target(): string | undefined {
    return this.#exchange.target() ?? undefined;
  }

  /** A keyed pseudonym of the conversation, where the protocol has one. */
  get session(): string | undefined {
    return this.#exchange.session() ?? undefined;
  }

  /** The authenticated caller; undefined when anonymous. */
  get principal(): string | undefined {
    return this.#exchange.principal() ?? undefined;
  }

  /** The definition the server gave of the target (description, schemas, annotations). */
  get definition(): Json | undefined {
    const text = this.#exchange.definition() ?? undefined;
    return text === undefined ? undefined : (JSON.parse(text) as Json);
  }

  /** In a post-call: the params as they were sent; undefined where the gateway cannot know them. */
  get params(): Document | undefined {
    if (this.#params === undefined) {
      const source = this.#exchange.params() ?? undefined;
      if (source !== undefined) this.#params = new Document(source);
    }
    return this.#params;
  }

  /** In a post-call: the reply is a JSON-RPC error, and the document is the error object. */
  get failed(): boolean {
    return this.#exchange.failed();
  }

  /** Milliseconds left for this hook run. */
  get remaining(): number {
    return this.#exchange.remainingUs() / 1000;
  }

  /**
   * Leaves a note for this interceptor's post-call of the same exchange, which runs in another instance: nothing else that
   * a hook keeps is there.
   */
  carry(note: Uint8Array): void {
    if (!(note instanceof Uint8Array)) throw new TypeError("note: a Uint8Array is wanted; `encode` makes one of a text");
    this.#exchange.carry(note);
  }

  /** The note that this interceptor's pre-call left. */
  get carried(): Uint8Array | undefined {
    return this.#exchange.carried() ?? undefined;
  }

  /** Anything else by name, for example `client.name`, `protocol.version`. */
  attribute(name: string): string | undefined {
    return this.#exchange.attribute(name) ?? undefined;
  }

  /** The caller's groups. */
  get groups(): string[] {
    return JSON.parse(this.attribute("groups") ?? "[]") as string[];
  }
}
