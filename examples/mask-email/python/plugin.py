"""Masks e-mail addresses in replies; refuses `rm -rf` in arguments."""

import re

from sandgate import Context, Document, Refusal, post_call, pre_call, refuse

EMAIL = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}")


@post_call("tools/call", "resources/read")
def scrub(ctx: Context, reply: Document) -> None:
    reply.map_texts(lambda text: EMAIL.sub("[email]", text))


@pre_call("tools/call")
def check(ctx: Context, params: Document) -> Refusal | None:
    if any("rm -rf" in text for text in params.texts()):
        return refuse("command.destructive", "destructive command")
    return None
