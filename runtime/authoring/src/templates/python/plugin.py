{{#post}}
import re

{{/post}}
{{#both}}
from sandgate import post_call, pre_call, refuse
{{/both}}
{{#only-pre}}
from sandgate import pre_call, refuse
{{/only-pre}}
{{#only-post}}
from sandgate import post_call
{{/only-post}}
{{#post}}

EMAIL = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}")


@post_call("tools/call", "resources/read")
def scrub(ctx, reply):
    reply.map_texts(lambda text: EMAIL.sub("[email]", text))
{{/post}}
{{#pre}}


@pre_call("tools/call")
def check(ctx, params):
    if any("rm -rf" in text for text in params.texts()):
        return refuse("command.destructive", "destructive command")
{{/pre}}
