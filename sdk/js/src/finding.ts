/** What a hook noticed; recorded, blocks nothing. */

import { gateway, type Part, type Severity } from "./border.js";
import { toJson, utf8 } from "./json.js";

/** What may be said of a finding beside its rule and message. */
export interface FindingOptions {
  /** How bad; `info` unless said. */
  severity?: Severity;
  /** Which document it is about; `reply` unless said. */
  part?: Part;
  /** Where in it, as a JSON Pointer. */
  at?: string;
  /** Any JSON value for programs; never repeats the payload. */
  details?: unknown;
}

/**
 * Records a finding under a stable rule. The message is for people and never repeats the payload.
 *
 * ```ts
 * import { finding } from "sandgate";
 * import { rules } from "sandgate/testing";
 *
 * finding("pii.email", "an e-mail address", { severity: "warn", details: { count: 2 } });
 * assert.deepEqual(rules(), ["pii.email"]);
 * ```
 */
export function finding(rule: string, message: string, more: FindingOptions = {}): void {
  gateway().find({
    rule: utf8(rule, "rule"),
    severity: oneOf(more.severity ?? "info", ["info", "warn", "error"], "severity"),
    part: oneOf(more.part ?? "reply", ["params", "reply"], "part"),
    pointer: more.at === undefined ? null : utf8(more.at, "at"),
    message: utf8(message, "message"),
    details: more.details === undefined ? null : utf8(toJson(more.details), "details"),
  });
}

function oneOf<T extends string>(value: T, known: readonly T[], what: string): T {
  if (!known.includes(value)) throw new TypeError(`${what}: ${known.join(" or ")}`);
  return value;
}
