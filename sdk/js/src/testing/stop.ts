/** What ends a run from outside: in a gateway no hook can catch it. */

/** The gateway stops the run, or cannot use what it decided. */
export class Stopped extends Error {
  /** `kind` as the gateway's log has it: `malformed` or `quota`. */
  constructor(readonly kind: "malformed" | "quota", says: string) {
    super(says);
    this.name = kind;
  }
}

/** The decision is unusable. */
export const malformed = (says: string): Stopped => new Stopped("malformed", says);
/** The run went over one of its quotas. */
export const over = (quota: string): Stopped => new Stopped("quota", `went over its quota of ${quota}`);
