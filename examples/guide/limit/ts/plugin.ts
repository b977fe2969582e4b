import { on, plugin, refuse } from "sandgate";

function limitOf(value: unknown): number {
  if (typeof value !== "number") throw new TypeError(`a limit is a number, not ${JSON.stringify(value)}`);
  return value;
}

export default plugin({
  preCall: on("tools/call", (ctx, params) => {
    const limit = limitOf(params.get("/arguments/limit") ?? 0);
    if (limit > 100) return refuse("limit.too-large", "At most 100 at a time.");
  }),
});
