/** Masks e-mail addresses in replies; refuses `rm -rf` in arguments. */

import { on, plugin, refuse } from "sandgate";

const EMAIL = /[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}/g;

export default plugin({
  preCall: on("tools/call", (ctx, params) => {
    if (params.texts().some((text) => text.includes("rm -rf"))) return refuse("command.destructive", "destructive command");
  }),
  postCall: on(["tools/call", "resources/read"], (ctx, reply) => {
    reply.mapTexts((text) => text.replace(EMAIL, "[email]"));
  }),
});
