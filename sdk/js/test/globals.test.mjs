// What a component finds beside the language reads as in Node, or is refused.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as vm from "node:vm";
import { clone } from "../dist/clone.js";
import * as small from "../dist/url.js";

const PARTS = ["href", "origin", "protocol", "username", "password", "host", "hostname", "port", "pathname", "search", "hash"];

test("a URL reads as Node reads it", () => {
  for (const url of [
    "https://example.com", "HTTP://EXAMPLE.com:80/a/../b/./c/%2e%2E/d?x=1&y=%20#top", "https://user:p%40ss@example.com:8443/", "wss://a.b/c?d",
    "https://127.0.0.1:443/x/..", "ftp://files.example/a;b=c/'d'?e='f'", "https://[::1]:9/?", "https://example.com.#", "https://a_b.example/a//b/",
    "https://example.com?q#", "https://example.com/~user/a+b(c)!*", "https://example.com:0080/",
  ]) {
    const [ours, nodes] = [new small.URL(url), new URL(url)];
    for (const part of PARTS) assert.equal(ours[part], nodes[part], `${part} of ${url}`);
    assert.deepEqual([...ours.searchParams], [...nodes.searchParams]);
  }
  for (const url of ["/a", "b/c?d", "../..", "?q=1", "#h", "", "//other.example/x", "https://third.example", "./"]) {
    const base = "https://user@example.com:8080/one/two?q=0#x";
    assert.equal(new small.URL(url, base).href, new URL(url, base).href, url);
  }
});

test("a URL that readers read differently is refused", () => {
  for (const url of [
    "https://good.example\\@evil.example/", "https://evil.example\t.good.example/", " https://a.example", "https://ä.example/", "https://xn--4ca.example/",
    "https://0x7f.1/", "https://127.1/", "https://2130706433/", "https://127.0.0.01/", "https://256.0.0.1/", "https://1.2.3.4./", "https:example.com",
    "https:///example.com", "https://", "https://a@b@c/", "https://[::ffff:1.2.3.4]/", "https://[fe80::1%25eth0]/", "https://a.example:65536/", "https://a.example:1x/",
    "https://a.example/%zz", "https://a.example/a b", "javascript:alert(1)", "data:,x", "file:///etc/passwd", "/a", "", "https://exa%6dple.com/", "https://-a.example/",
    "https://a..example/", "https://[1:0:0:0:0:0:0:0]/", "https://[0001:2:3:4:5:6:7:8]/", "https://a;b@c.example/",
  ]) {
    assert.throws(() => new small.URL(url), TypeError, url);
    assert.equal(small.URL.canParse(url), false);
  }
});

test("what is accepted of made-up URLs reads as Node reads it", () => {
  const pieces = ["https:", "http:", "//", "/", "a", "B.example", "..", ".", "%2e", "%41", "?", "#", "@", ":", "80", "[::1]", "&", "=", "+", "'", "1.2.3.4", "0x1", "~", ";", "_", "-"];
  let [seed, accepted] = [1, 0];
  const next = (below) => (seed = (Math.imul(seed, 1103515245) + 12345) >>> 0) % 65536 % below;
  for (let round = 0; round < 20000; round += 1) {
    const url = `${next(2) ? "https://" : ""}${Array.from({ length: next(7) + 1 }, () => pieces[next(pieces.length)]).join("")}`;
    const ours = small.URL.parse(url, "http://base.example/p/q?r");
    if (ours === null) continue;
    accepted += 1;
    const nodes = new URL(url, "http://base.example/p/q?r");
    for (const part of PARTS) assert.equal(ours[part], nodes[part], `${part} of ${url}`);
  }
  assert.ok(accepted > 2000, `${accepted}`);
});

test("search parameters read, change and write as Node's", () => {
  for (const init of ["?a=1&b=2&a=3", "a=%C3%A4+b&&c", [["x", "y z"], ["x", "!'()~*-._"]], { k: "v&=" }]) {
    const [ours, nodes] = [new small.URLSearchParams(init), new URLSearchParams(init)];
    for (const one of [ours, nodes]) {
      one.append("new", "ö");
      one.set("a", "only");
      one.delete("c");
    }
    assert.equal(ours.toString(), nodes.toString());
    assert.deepEqual([ours.get("a"), ours.getAll("x"), ours.has("k"), ours.size, [...ours.keys()]], [nodes.get("a"), nodes.getAll("x"), nodes.has("k"), nodes.size, [...nodes.keys()]]);
    ours.sort();
    nodes.sort();
    assert.equal(ours.toString(), nodes.toString());
  }
  const url = new small.URL("https://a.example/?q=1");
  url.searchParams.set("q", "2 3");
  assert.equal(url.href, "https://a.example/?q=2+3");
});

test("a clone is as Node's", () => {
  const value = { date: new Date(5), map: new Map([[{ a: 1 }, new Set([1])]]), bytes: Uint8Array.of(1, 2).subarray(1), pattern: /x/gi, list: [undefined, , null], deep: { n: 1n } };
  value.self = value;
  const made = clone(value);
  assert.deepEqual(made, structuredClone(value));
  assert.notEqual(made.deep, value.deep);
  assert.equal(made.self, made);
  assert.throws(() => clone({ f() {} }), TypeError);
});

// The globals in a realm that has none of Node's.
const realm = await (async () => {
  const { build } = await import("esbuild");
  const entry = new URL("../dist/globals.js", import.meta.url).pathname;
  const contents = `import { install } from ${JSON.stringify(entry)}; import { connect } from ${JSON.stringify(entry.replace("globals.js", "border.js"))};
    install(); console.log("nobody hears it"); connect(gateway);`;
  const { outputFiles } = await build({ stdin: { contents, resolveDir: "/" }, bundle: true, format: "iife", write: false, logLevel: "silent" });
  const lines = [];
  const context = vm.createContext({ gateway: { log: (...line) => lines.push(line), random: (length) => new Uint8Array(length).fill(7) } });
  vm.runInContext(outputFiles[0].text, context);
  return { lines, run: (code) => vm.runInContext(code, context) };
})();

test("what console prints goes to the log, by its level", () => {
  realm.run('console.log("a", { b: 1 }, new RangeError("c")); console.warn("\\ud800"); console.assert(1 > 2, "d")');
  assert.deepEqual(realm.lines, [["info", 'a {"b":1} RangeError: c'], ["warn", "\ufffd"], ["error", "Assertion failed d"]]);
});

test("texts and bytes go there and back as in Node", () => {
  for (const bytes of [[0xe2, 0x82, 0xac], [0xff, 0x41], [0xe2, 0x82], [0xf0, 0x9f, 0x98, 0x80], [0xed, 0xa0, 0x80], [0xc0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xef, 0xbb, 0xbf, 0x61], [0xf0, 0x9f, 0x41], []]) {
    assert.equal(realm.run(`new TextDecoder().decode(Uint8Array.of(${bytes}))`), new TextDecoder().decode(Uint8Array.from(bytes)), `${bytes}`);
  }
  assert.deepEqual([...realm.run('new TextEncoder().encode("ä\\ud800")')], [...new TextEncoder().encode("ä\ud800")]);
  assert.throws(() => realm.run("new TextDecoder('utf-8', { fatal: true }).decode(Uint8Array.of(255))"), { name: "URIError" });
  assert.throws(() => realm.run("new TextDecoder('latin1')"), /there is utf-8 alone/);
});

test("randomness is the gateway's", () => {
  assert.deepEqual([...realm.run("crypto.getRandomValues(new Uint8Array(3))")], [7, 7, 7]);
  assert.equal(realm.run("crypto.randomUUID()"), "07070707-0707-4707-8707-070707070707");
});

test("what would be called later is refused with the reason", () => {
  for (const name of ["setTimeout", "setInterval", "queueMicrotask"]) {
    assert.throws(() => realm.run(`${name}(() => {})`), { message: `${name}: nothing is called after a hook has returned` });
  }
  assert.throws(() => realm.run("fetch('https://a.example')"), /`http.get` of the package sandgate asks without/);
});
