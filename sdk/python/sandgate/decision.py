"""What a hook may decide. All of these are values: return them."""

from dataclasses import dataclass
from typing import Any

from sandgate.json_text import to_json, utf8


@dataclass(frozen=True, slots=True)
class Refusal:
    """The call is refused, or the reply withheld. Made by `refuse`."""

    code: str
    message: str
    pointer: str | None = None
    details: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """Stands in for the server. Made by `answer`."""

    json: str


@dataclass(frozen=True, slots=True)
class Replacement:
    """The whole document is another. Made by `replace`."""

    json: str


@dataclass(frozen=True, slots=True)
class Set:
    """Replaces the value at a pointer, adds a member, or appends (`/-`)."""

    pointer: str
    json: str


@dataclass(frozen=True, slots=True)
class Remove:
    """The value at this pointer goes."""

    pointer: str


@dataclass(frozen=True, slots=True)
class Text:
    """The n-th of a document's texts becomes another."""

    index: int
    text: str


Edit = Set | Remove | Text
PreDecision = Refusal | Answer | Replacement | None
"""What a `pre_call` hook may return. None: what it changed in the document, if anything, and the call goes on."""
PostDecision = Refusal | Replacement | None
"""What a `post_call` hook may return. None: what it changed in the document, if anything, and the reply goes on."""

made: list[Refusal] = []
"""The refusals of this run: one that was made and not returned is a mistake that would let a call pass."""


def refuse(code: str, message: str, *, at: str | None = None, details: Any = None) -> Refusal:
    """Refuses the call: `return refuse(...)`. `code` is stable and machine-readable, `message` is for people and models
    and never repeats the payload; `at` is the JSON Pointer of what it is about, `details` any JSON value for programs.

    >>> refuse("quota.calls", "Too many calls.", details={"retryAfterMs": 1500})
    Refusal(code='quota.calls', message='Too many calls.', pointer=None, details='{"retryAfterMs":1500}')
    """
    refusal = Refusal(
        utf8(code, "code"),
        utf8(message, "message"),
        None if at is None else utf8(at, "at"),
        None if details is None else to_json(details),
    )
    made.append(refusal)
    return refusal


def answer(result: Any) -> Answer:
    """Stands in for the server with this result: `return answer({"content": []})`. Validators still judge the call, and
    the reply leaves through every interceptor.

    >>> answer({"content": []})
    Answer(json='{"content":[]}')
    """
    return Answer(to_json(result))


def replace(document: Any) -> Replacement:
    """Puts another document in place of the one handed over: `return replace({...})`. Changes made through the document
    itself touch only what differs; prefer those.

    >>> replace({"content": []})
    Replacement(json='{"content":[]}')
    """
    return Replacement(to_json(document))
