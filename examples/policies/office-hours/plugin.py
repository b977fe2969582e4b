"""Office hours: outside of them the named tools need an approval."""

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Annotated

from sandgate import Context, Document, Issues, Refusal, configure, finding, glob_matches, pre_call, refuse, settings

APPROVAL = "example.com/approval"


@dataclass
class Settings:
    secret: Annotated[str, "What approvals are signed with.", {"minLength": 16}]
    tools: Annotated[list[str], "Globs of the tools that keep office hours."] = field(default_factory=lambda: ["*"])
    opens: Annotated[str, "When the office opens.", {"pattern": "^[0-2][0-9]:[0-5][0-9]$"}] = "09:00"
    closes: Annotated[str, "When it closes.", {"pattern": "^[0-2][0-9]:[0-5][0-9]$"}] = "17:00"
    days: Annotated[list[int], "Days on which it opens; 1 is Monday."] = field(default_factory=lambda: [1, 2, 3, 4, 5])
    offset: Annotated[int, "Minutes by which the office's clock is ahead of UTC.", {"minimum": -720, "maximum": 840}] = 0


given = settings(Settings)


@configure
def prepare() -> Issues:
    issues = Issues()
    if given.opens >= given.closes:
        issues.add("/closes", f"is not after `opens`, {given.opens}: write a later time")
    return issues


@pre_call("tools/call")
def check(ctx: Context, params: Document) -> Refusal | None:
    if not any(glob_matches(tool, ctx.target or "") for tool in given.tools):
        return None
    now = datetime.now(timezone.utc)
    if is_open(now.astimezone(timezone(timedelta(minutes=given.offset)))):
        return None
    approval = params.get(f"/_meta/{APPROVAL.replace('/', '~1')}")
    if approval is None:
        return refuse("office.closed", f"Outside of {given.opens} to {given.closes} this tool needs an approval.")
    if not isinstance(approval, str) or not is_approved(approval, ctx, now):
        return refuse("office.approval", "The approval is not for this tool and caller, or not any more.", at="/_meta")
    finding("office.approved", "called outside of office hours with an approval", part="params")
    return None


def is_open(now: datetime) -> bool:
    return now.isoweekday() in given.days and given.opens <= now.strftime("%H:%M") < given.closes


def is_approved(approval: str, ctx: Context, now: datetime) -> bool:
    """`EXPIRES.HEX`: seconds since 1970, and what signs tool, caller and them."""
    expires, _, signature = approval.partition(".")
    if not (expires.isascii() and expires.isdigit() and len(expires) < 12 and int(expires) > now.timestamp()):
        return False
    signed = "\n".join([ctx.target or "", ctx.principal or "", expires])
    wanted = hmac.new(given.secret.encode(), signed.encode(), hashlib.sha256).hexdigest()
    return hmac.compare_digest(wanted.encode(), signature.encode())
