"""Fails in the way that the call asks for, and repeats the call in what it says of it."""

import json
import sys

from sandgate import pre_call, state


class Unfit(Exception):
    pass


def deeper(n):
    return deeper(n + 1)


def fail(how, text):
    if how == "raise":
        raise ValueError(text)
    if how == "own":
        raise Unfit(text)
    if how == "library":
        json.loads(text + "}")
    if how == "attribute":
        text.nothing_of_this_name
    if how == "denied":
        state.increment("calls")
    if how == "recursion":
        deeper(0)
    if how == "exit":
        sys.exit(text)
    if how == "decision":
        return text


@pre_call("tools/call")
def check(ctx, params):
    how = params.get("/arguments/how")
    return fail(how, json.dumps(params.json()))
