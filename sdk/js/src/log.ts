/** Lines in the gateway's log, under the interceptor's name. A line outlives the call: never repeat the payload. */

import { gateway } from "./border.js";
import { utf8 } from "./json.js";

/** Every step. */
export const trace = (message: string): void => gateway().log("trace", utf8(message, "message"));
/** For the author. */
export const debug = (message: string): void => gateway().log("debug", utf8(message, "message"));
/** Good to know. */
export const info = (message: string): void => gateway().log("info", utf8(message, "message"));
/** Worth a look. */
export const warn = (message: string): void => gateway().log("warn", utf8(message, "message"));
/** Should not be. */
export const error = (message: string): void => gateway().log("error", utf8(message, "message"));
