"""What the gateway makes of a hook's decision: whether the hook may decide so, and the document that goes on. The words of
a failure are the gateway's; `sdk/judgements.json` holds both to the same."""

from collections.abc import Sequence
from typing import Any, Literal

from sandgate.decision import Answer, Edit, Refusal, Remove, Replacement, Set
from sandgate.hooks import Role
from sandgate.json_text import from_json
from sandgate.testing.memory import Memory, apply
from sandgate.testing.stop import malformed, over
from sandgate.testing.tree import parse

Word = Literal["proceed", "edit", "replace", "refuse", "answer"]

_BYTES = 4 << 20
"""Bytes of a document, and of all edits together."""
_EDITS = 100_000
_DEPTH = 126
"""Levels of a document: the message around it is one more."""
_CODE, _MESSAGE, _POINTER = 128, 2 << 10, 1 << 10
"""Bytes of a refusal's parts: longer texts are cut, a longer pointer is left out."""


def judge(
    role: Role, document: Memory, decided: Refusal | Answer | Replacement | Sequence[Edit], *, request: bool, failed: bool
) -> tuple[Word, Any]:
    """The word for the decision, and the document that goes on (with `answer`, the result); raises `Stopped` where the
    gateway calls the decision a failure. `request`: the message can be answered. `failed`: the document is an error object."""
    before = from_json(document.json())
    if isinstance(decided, Refusal):
        return "refuse", before
    if not isinstance(decided, (Answer, Replacement)) and not decided:
        return "proceed", before
    _within_quota(decided)
    if role == "validation":
        raise malformed("a validation may only proceed or refuse")
    if isinstance(decided, Answer):
        answer = _read(decided.json)
        if not request:
            raise malformed("a notification cannot be answered")
        if not isinstance(answer, dict):
            raise malformed("an answer must be an object")
        return "answer", answer
    if isinstance(decided, Replacement):
        return "replace", _same_kind(before, _read(decided.json), failed)
    return "edit", _same_kind(before, apply(document, decided, _DEPTH), failed)


def cut(refusal: Refusal) -> Refusal:
    """The refusal as the gateway keeps it."""
    pointer = refusal.pointer
    if pointer is not None and len(pointer.encode()) > _POINTER:
        pointer = None
    return Refusal(_cut(refusal.code, _CODE), _cut(refusal.message, _MESSAGE), pointer, refusal.details)


def _within_quota(decided: Answer | Replacement | Sequence[Edit]) -> None:
    if isinstance(decided, (Answer, Replacement)):
        if len(decided.json.encode()) > _BYTES:
            raise over("bytes of a document")
    elif len(decided) > _EDITS or sum(map(_size, decided)) > _BYTES:
        raise over("edits")


def _size(edit: Edit) -> int:
    if isinstance(edit, Set):
        return len(edit.pointer.encode()) + len(edit.json.encode())
    return len(edit.pointer.encode()) if isinstance(edit, Remove) else len(edit.text.encode())


def _read(text: str) -> Any:
    try:
        parse(text, _DEPTH)
    except ValueError as error:
        raise malformed(str(error)) from None
    return from_json(text)


def _same_kind(before: Any, after: Any, failed: bool) -> Any:
    if _kind(before) != _kind(after):
        raise malformed("the document became something of another JSON type")
    if failed:
        code, message = (after.get(name) for name in ("code", "message")) if isinstance(after, dict) else (None, None)
        if not isinstance(message, str) or not isinstance(code, (int, float)) or isinstance(code, bool):
            raise malformed("the error object lost its code or message")
    return after


def _kind(value: Any) -> type:
    return float if type(value) is int else type(value)


def _cut(text: str, most: int) -> str:
    return text.encode()[:most].decode(errors="ignore")
