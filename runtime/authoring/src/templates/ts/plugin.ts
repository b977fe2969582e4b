{{#pre}}
import { on, plugin, refuse } from "sandgate";
{{/pre}}
{{#only-post}}
import { on, plugin } from "sandgate";
{{/only-post}}
{{#post}}

const EMAIL = /[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}/g;
{{/post}}

export default plugin({
{{#pre}}
  preCall: on("tools/call", (ctx, params) => {
    if (params.texts().some((text) => text.includes("rm -rf"))) return refuse("command.destructive", "destructive command");
  }),
{{/pre}}
{{#post}}
  postCall: on(["tools/call", "resources/read"], (ctx, reply) => {
    reply.mapTexts((text) => text.replace(EMAIL, "[email]"));
  }),
{{/post}}
});
