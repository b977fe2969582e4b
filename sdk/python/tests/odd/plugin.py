"""Does what its arguments say: for the journey that looks at what becomes of it in a gateway."""

import random
import sys
import uuid
from dataclasses import dataclass

from sandgate import Issues, configure, finding, log, post_call, pre_call, refuse, settings, state

kept = []


@dataclass
class Settings:
    word: str = "x"


given = settings(Settings)


@configure
def prepare():
    kept.append(random.random())
    issues = Issues()
    if given.word == "no":
        issues.add("/word", "must not be no")
    return issues


def deeper(n):
    return deeper(n + 1)


@pre_call("tools/call")
def check(ctx, params):
    # Handles that a plugin keeps do not outlive the run.
    kept.append((ctx, params))
    what = params.get("/arguments/what")
    if what == "raise":
        raise LookupError(params["/arguments/secret"])
    if what == "exit":
        sys.exit(params["/arguments/secret"])
    if what == "deep":
        deeper(0)
    if what == "forget":
        refuse("forgotten", "never returned")
    if what == "state":
        state.get("x")
    if what == "random":
        return refuse("random", f"{random.random()} {uuid.uuid4()} {len(kept)}")
    if what == "settings":
        return refuse("settings", given.word)
    if sys.platform == "wasi":
        # What configure left: counting references to it would be writing to it.
        assert all(map(sys._is_immortal, (kept, check, given)))
    finding("seen", "a call", part="params", details={"what": what})
    log.info("carried")
    ctx.carry(f"from the call, {ctx.target}".encode())


@post_call("tools/call")
def judge(ctx, reply):
    reply["/structuredContent"] = {"note": ctx.carried.decode(), "what": ctx.params["/arguments/what"]}
