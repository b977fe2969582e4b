{{#post}}
import re

{{/post}}
{{#both}}
from sandgate import Context, Document, Refusal, post_call, pre_call, refuse
{{/both}}
{{#only-pre}}
from sandgate import Context, Document, Refusal, pre_call, refuse
{{/only-pre}}
{{#only-post}}
from sandgate import Context, Document, post_call
{{/only-post}}
{{#post}}

EMAIL = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}")


@post_call("tools/call", "resources/read")
def scrub(ctx: Context, reply: Document) -> None:
    reply.map_texts(lambda text: EMAIL.sub("[email]", text))
{{/post}}
{{#pre}}


@pre_call("tools/call")
def check(ctx: Context, params: Document) -> Refusal | None:
    if any("rm -rf" in text for text in params.texts()):
        return refuse("command.destructive", "destructive command")
    return None
{{/pre}}
