/** Does what its arguments say: for the journey that looks at what becomes of it in a gateway. */

import { encode, decode, finding, log, plugin, random, refuse, state, text } from "sandgate";

const kept: unknown[] = [];

function thrower(secret: unknown): never {
  throw new RangeError(String(secret));
}

export default plugin({
  settings: { word: text({ default: "x" }) },
  configure(settings, issues) {
    kept.push(Math.random());
    if (settings.word === "no") issues.add("/word", "must not be no");
  },
  preCall: {
    events: "tools/call",
    run(ctx, params, settings) {
      // Handles that a plugin keeps do not outlive the run.
      kept.push(ctx, params);
      const what = params.get("/arguments/what");
      if (what === "raise") thrower(params.get("/arguments/secret"));
      if (what === "exit") throw params.get("/arguments/secret");
      if (what === "deep") (null as unknown as { x: number }).x += 1;
      if (what === "forget") refuse("forgotten", "never returned");
      if (what === "state") state.get("x");
      if (what === "random") return refuse("random", `${Math.random()} ${random.bytes(4)} ${kept.length - 1}`);
      if (what === "settings") return refuse("settings", settings.word);
      finding("seen", "a call", { part: "params", details: { what } });
      log.info("carried");
      ctx.carry(encode(`from the call, ${ctx.target}`));
      return undefined;
    },
  },
  postCall: {
    events: "tools/call",
    run(ctx, reply) {
      const note = ctx.carried === undefined ? null : decode(ctx.carried);
      reply.set("/structuredContent", { note, what: ctx.params?.get("/arguments/what") });
    },
  },
});
