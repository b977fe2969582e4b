import { finding, http, plugin, refuse } from "sandgate";

export default plugin({
  // ANCHOR: http
  preCall: {
    events: "tools/call",
    run: (ctx) => {
      const asked = JSON.stringify({ tool: ctx.target });
      try {
        const reply = http.post("https://tools.example.com/known", asked, { timeout: 50 });
        if (reply.status !== 200) return refuse("lookup.unknown", "This tool is not known.");
      } catch (thrown) {
        const kind = thrown instanceof http.Failure ? thrown.kind : undefined;
        if (kind === "refused" || kind === "cut") return refuse("lookup.down", "Nobody can say whether this tool is known.");
        if (kind !== "timed-out") throw thrown;
        finding("lookup.late", "nobody knew in time", { severity: "warn", part: "params" });
      }
    },
  },
  // ANCHOR_END: http
});
