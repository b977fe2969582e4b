"""What a hook noticed; recorded, blocks nothing."""

from typing import Any

from sandgate.border import Finding, Part, Severity, gateway
from sandgate.json_text import to_json, utf8


def finding(
    rule: str,
    message: str,
    *,
    severity: Severity = "info",
    part: Part = "reply",
    at: str | None = None,
    details: Any = None,
) -> None:
    """Records a finding under a stable rule. Neither `message` nor `details` (any JSON value, for programs) repeats the
    payload; `at` is the JSON Pointer of what it is about, in the document that `part` names.

    >>> from sandgate import finding, testing
    >>> finding("pii.email", "an e-mail address", severity="warn", details={"count": 2})
    >>> testing.rules()
    ['pii.email']
    """
    if severity not in ("info", "warn", "error"):
        raise ValueError("severity: info, warn or error")
    if part not in ("params", "reply"):
        raise ValueError("part: params or reply")
    gateway().find(
        Finding(
            utf8(rule, "rule"),
            severity,
            part,
            None if at is None else utf8(at, "at"),
            utf8(message, "message"),
            None if details is None else to_json(details),
        )
    )
