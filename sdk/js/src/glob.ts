/** Names by pattern. */

/**
 * Whether `text` is as `pattern` says: `*` stands for any characters (none included, `/` included), `?` for one. Everything
 * else stands for itself, capitals and small letters told apart.
 *
 * ```ts
 * import { globMatches } from "sandgate";
 *
 * assert.equal(globMatches("tools/*", "tools/call"), true);
 * assert.equal(globMatches("read_?", "read_"), false);
 * ```
 */
export function globMatches(pattern: string, text: string): boolean {
  const [wanted, found] = [[...pattern], [...text]];
  let [at, here] = [0, 0];
  // Where to go on when what follows the last `*` does not fit: that much later in the text.
  let retry: [number, number] | undefined;
  for (;;) {
    if (wanted[at] === "*") {
      at += 1;
      retry = [at, here];
    } else if (at < wanted.length && here < found.length && (wanted[at] === "?" || wanted[at] === found[here])) {
      at += 1;
      here += 1;
    } else if (at === wanted.length && here === found.length) {
      return true;
    } else if (retry === undefined || retry[1] === found.length) {
      return false;
    } else {
      retry = [retry[0], retry[1] + 1];
      [at, here] = retry;
    }
  }
}
