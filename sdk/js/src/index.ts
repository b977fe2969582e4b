/**
 * Write Sandgate interceptors in TypeScript or JavaScript: hooks that look at each call, or at its reply, and what they may
 * decide.
 *
 * The package answers for the way between the contract (`wit/`) and ordinary TypeScript. It knows no gateway: what stands
 * on the other side is whatever host runs the component. Natively, where there is none, `sandgate/testing` stands in.
 *
 * ```ts
 * import { on, plugin, refuse } from "sandgate";
 *
 * export default plugin({
 *   preCall: on("tools/call", (ctx) => {
 *     if (ctx.target?.startsWith("delete_")) return refuse("read-only", "This server is read-only here.");
 *   }),
 * });
 * ```
 */

export { decode, encode } from "./bytes.js";
export type { Context } from "./context.js";
export { type Answer, answer, type Edit, type PostDecision, type PreDecision, type Refusal, refuse, type Replacement, replace } from "./decision.js";
export type { Document } from "./document.js";
export { type FindingOptions, finding } from "./finding.js";
export { globMatches } from "./glob.js";
export * as http from "./http.js";
export type { Json } from "./json.js";
export * as log from "./log.js";
export type * as mcp from "./mcp.js";
export { type Hook, on, type Options, type Plugin, plugin, type Role } from "./plugin.js";
export * as random from "./random.js";
export { anything, choice, integer, type Issue, Issues, list, number, oneOf, optional, record, type SettingsOf, table, text, truth } from "./settings.js";
export * as state from "./state.js";
