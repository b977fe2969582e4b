from dataclasses import dataclass
from typing import Annotated

from sandgate import Context, Document, Refusal, pre_call, refuse, settings, state


# ANCHOR: settings
@dataclass
class Settings:
    calls: Annotated[int, "Calls of one caller.", {"minimum": 1}] = 10
    seconds: Annotated[int, "Seconds in which they count.", {"minimum": 1}] = 60


given = settings(Settings)
# ANCHOR_END: settings


# ANCHOR: state
@pre_call("tools/call")
def limit(ctx: Context, params: Document) -> Refusal | None:
    made = state.increment(f"calls:{ctx.principal or 'anybody'}", ttl=given.seconds)
    if made > given.calls:
        return refuse("quota.exceeded", f"At most {given.calls} calls in {given.seconds} seconds.")
    return None
# ANCHOR_END: state
