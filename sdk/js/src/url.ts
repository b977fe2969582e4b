/**
 * `URL` and `URLSearchParams`, small and strict: what the web's rules would first have to mend (a backslash, white space, a host
 * in letters of other scripts, an address in another spelling than four numbers) is refused, so that a policy never judges another
 * host than the one that is asked. What is accepted reads as everywhere.
 */

const PORTS: { [protocol: string]: string } = { "http:": "80", "https:": "443", "ws:": "80", "wss:": "443", "ftp:": "21" };

/** A list of pairs as they stand behind a question mark. */
export class URLSearchParams implements Iterable<[string, string]> {
  #pairs: [string, string][] = [];
  readonly #changed: ((text: string) => void) | undefined;

  constructor(init: string | Iterable<readonly [string, string]> | { [name: string]: string } = "", changed?: (text: string) => void) {
    if (typeof init === "string") {
      const text = init.startsWith("?") ? init.slice(1) : init;
      this.#pairs = text.split("&").filter((part) => part !== "").map((part) => {
        const at = part.indexOf("=");
        return at < 0 ? [unescaped(part), ""] : [unescaped(part.slice(0, at)), unescaped(part.slice(at + 1))];
      });
    } else {
      const pairs = Symbol.iterator in init ? (init as Iterable<readonly [string, string]>) : Object.entries(init);
      for (const [name, value] of pairs) this.#pairs.push([String(name), String(value)]);
    }
    this.#changed = changed;
  }

  get size(): number {
    return this.#pairs.length;
  }
  append(name: string, value: string): void {
    this.#pairs.push([String(name), String(value)]);
    this.#tell();
  }
  delete(name: string, value?: string): void {
    this.#pairs = this.#pairs.filter((pair) => pair[0] !== name || (value !== undefined && pair[1] !== value));
    this.#tell();
  }
  get(name: string): string | null {
    return this.#pairs.find((pair) => pair[0] === name)?.[1] ?? null;
  }
  getAll(name: string): string[] {
    return this.#pairs.filter((pair) => pair[0] === name).map((pair) => pair[1]);
  }
  has(name: string, value?: string): boolean {
    return this.#pairs.some((pair) => pair[0] === name && (value === undefined || pair[1] === value));
  }
  set(name: string, value: string): void {
    const at = this.#pairs.findIndex((pair) => pair[0] === name);
    if (at < 0) this.#pairs.push([String(name), String(value)]);
    else this.#pairs = this.#pairs.filter((pair, index) => index <= at || pair[0] !== name).with(at, [String(name), String(value)]);
    this.#tell();
  }
  sort(): void {
    this.#pairs.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    this.#tell();
  }
  forEach(visit: (value: string, name: string, all: URLSearchParams) => void): void {
    for (const [name, value] of this.#pairs) visit(value, name, this);
  }
  *keys(): IterableIterator<string> {
    for (const [name] of this.#pairs) yield name;
  }
  *values(): IterableIterator<string> {
    for (const [, value] of this.#pairs) yield value;
  }
  *entries(): IterableIterator<[string, string]> {
    for (const [name, value] of this.#pairs) yield [name, value];
  }
  [Symbol.iterator](): IterableIterator<[string, string]> {
    return this.entries();
  }
  toString(): string {
    return this.#pairs.map(([name, value]) => `${formEscaped(name)}=${formEscaped(value)}`).join("&");
  }

  #tell(): void {
    this.#changed?.(this.toString());
  }
}

/** An absolute URL of `http`, `https`, `ws`, `wss` or `ftp`, or one relative to such. It cannot be changed but by `searchParams`. */
export class URL {
  readonly protocol: string;
  readonly username: string;
  readonly password: string;
  readonly hostname: string;
  readonly port: string;
  readonly pathname: string;
  readonly searchParams: URLSearchParams;
  /** Behind the question mark and behind the hash; undefined where there is none. */
  #query: string | undefined;
  readonly #fragment: string | undefined;

  constructor(url: string | URL, base?: string | URL) {
    const text = String(url);
    if (/[^!-~]|[\\^`{}|<>"]/.test(text) || /%(?![0-9A-Fa-f]{2})/.test(text)) throw invalid();
    const parts = /^(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/.exec(text);
    if (parts === null) throw invalid();
    const [, scheme, authority, path = "", search, hash] = parts;
    let from: URL | undefined;
    if (scheme === undefined) {
      if (base === undefined) throw invalid();
      from = new URL(base);
    }
    this.protocol = from?.protocol ?? `${scheme?.toLowerCase()}:`;
    if (!Object.hasOwn(PORTS, this.protocol)) throw invalid();
    if (authority !== undefined) {
      const found = /^(?:([^:@]*)(?::([^@]*))?@)?(\[[^\]]*\]|[^:@[\]]*)(?::([0-9]*))?$/.exec(authority);
      if (found === null) throw invalid();
      const [, username = "", password = "", host = "", port = ""] = found;
      [this.username, this.password, this.hostname] = [userinfo(username), userinfo(password), hostOf(host)];
      if (Number(port) > 65535) throw invalid();
      const plain = port === "" ? "" : String(Number(port));
      this.port = plain === PORTS[this.protocol] ? "" : plain;
    } else if (from !== undefined) {
      [this.username, this.password, this.hostname, this.port] = [from.username, from.password, from.hostname, from.port];
    } else throw invalid();
    const relative = from !== undefined && authority === undefined;
    const before = relative && !path.startsWith("/") ? (from?.pathname ?? "") : "";
    this.pathname = pathOf(path === "" ? before : before.replace(/[^/]*$/, "") + path);
    this.#query = relative && path === "" && search === undefined && from !== undefined ? from.#query : search?.replaceAll("'", "%27");
    this.#fragment = hash;
    this.searchParams = new URLSearchParams(this.search, (made) => {
      this.#query = made === "" ? undefined : made;
    });
  }

  static canParse(url: string | URL, base?: string | URL): boolean {
    return URL.parse(url, base) !== null;
  }
  static parse(url: string | URL, base?: string | URL): URL | null {
    try {
      return new URL(url, base);
    } catch {
      return null;
    }
  }

  get search(): string {
    return this.#query === undefined || this.#query === "" ? "" : `?${this.#query}`;
  }
  get hash(): string {
    return this.#fragment === undefined || this.#fragment === "" ? "" : `#${this.#fragment}`;
  }
  get host(): string {
    return this.hostname + (this.port === "" ? "" : `:${this.port}`);
  }
  get origin(): string {
    return `${this.protocol}//${this.host}`;
  }
  get href(): string {
    const user = this.username + (this.password === "" ? "" : `:${this.password}`);
    const query = this.#query === undefined ? "" : `?${this.#query}`;
    const fragment = this.#fragment === undefined ? "" : `#${this.#fragment}`;
    return `${this.protocol}//${user === "" ? "" : `${user}@`}${this.host}${this.pathname}${query}${fragment}`;
  }
  toString(): string {
    return this.href;
  }
  toJSON(): string {
    return this.href;
  }
}

function invalid(): TypeError {
  // Without the text: it may be the payload.
  return new TypeError("Invalid URL");
}

function hostOf(text: string): string {
  const host = text.toLowerCase();
  if (host.startsWith("[")) {
    if (!/^\[(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}\]$|^\[::1?\]$/.test(host) || /[[:]0[0-9a-f]/.test(host) || /[[:]0:0[\]:]/.test(host)) throw invalid();
    return host;
  }
  const labels = host.replace(/\.$/, "").split(".");
  if (!labels.every((label) => /^[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?$/.test(label)) || labels.some((label) => label.startsWith("xn--"))) throw invalid();
  const last = labels.at(-1) ?? "";
  if (/^(?:[0-9]+|0x[0-9a-f]*)$/.test(last)) {
    const number = (label: string): boolean => /^(?:0|[1-9][0-9]{0,2})$/.test(label) && Number(label) < 256;
    if (host.endsWith(".") || labels.length !== 4 || !labels.every(number)) throw invalid();
  }
  return host;
}

function userinfo(text: string): string {
  // These stand there escaped or not at all.
  if (/[:;=[\]']/.test(text)) throw invalid();
  return text;
}

function pathOf(text: string): string {
  const parts: string[] = [];
  const all = text.replace(/^\//, "").split("/");
  all.forEach((part, index) => {
    const plain = part.replaceAll(/%2e/gi, ".");
    const last = index === all.length - 1;
    if (plain === "..") parts.pop();
    else if (plain !== ".") parts.push(part);
    if ((plain === ".." || plain === ".") && last) parts.push("");
  });
  return `/${parts.join("/")}`;
}

function unescaped(text: string): string {
  const plain = text.replaceAll("+", " ");
  try {
    return decodeURIComponent(plain);
  } catch {
    throw new TypeError("URLSearchParams: the escapes are no UTF-8");
  }
}

function formEscaped(text: string): string {
  return encodeURIComponent(text).replaceAll("%20", "+").replaceAll(/[!'()~]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}
