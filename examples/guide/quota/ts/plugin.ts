import { integer, plugin, refuse, state } from "sandgate";

export default plugin({
  // ANCHOR: settings
  settings: {
    calls: integer({ default: 10, description: "Calls of one caller.", schema: { minimum: 1 } }),
    seconds: integer({ default: 60, description: "Seconds in which they count.", schema: { minimum: 1 } }),
  },
  // ANCHOR_END: settings
  // ANCHOR: state
  preCall: {
    events: "tools/call",
    run: (ctx, params, { calls, seconds }) => {
      const made = state.increment(`calls:${ctx.principal ?? "anybody"}`, 1, { ttlMs: seconds * 1000 });
      if (made > calls) return refuse("quota.exceeded", `At most ${calls} calls in ${seconds} seconds.`);
    },
  },
  // ANCHOR_END: state
});
