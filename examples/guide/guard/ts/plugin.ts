import { on, plugin, refuse } from "sandgate";

export default plugin({
  preCall: on("tools/call", (ctx, params) => {
    if (params.texts().some((text) => text.includes("rm -rf"))) return refuse("command.destructive", "destructive command");
    if (ctx.target?.startsWith("delete_") && !ctx.groups.includes("admins")) {
      return refuse("delete.forbidden", "Only admins may delete.");
    }
  }),
});
