"""RFC 6901 JSON Pointers."""

from typing import Any

ABSENT = object()
"""Stands where nothing does: JSON has a null of its own."""


def escape(name: str) -> str:
    """A member's name as one token of a pointer.

    >>> "/" + escape("a/b~c")
    '/a~1b~0c'
    """
    return name.replace("~", "~0").replace("/", "~1")


def tokens(pointer: str) -> list[str]:
    """A pointer's tokens.

    >>> tokens("/content/0/a~1b")
    ['content', '0', 'a/b']
    """
    if pointer and not pointer.startswith("/"):
        raise ValueError("a JSON Pointer is empty or begins with /")
    return [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:]]


def position(token: str) -> int | None:
    """An array's index, as RFC 6901 writes it: no sign, no leading zero."""
    if token.isascii() and token.isdecimal() and (token == "0" or token[0] != "0"):
        return int(token)
    return None


def resolve(value: Any, pointer: str) -> Any:
    """What stands at a pointer, or `ABSENT`.

    >>> resolve({"a": [1, 2]}, "/a/1")
    2
    >>> resolve({"a": [1, 2]}, "/a/2") is ABSENT
    True
    """
    for token in tokens(pointer):
        if isinstance(value, dict):
            value = value.get(token, ABSENT)
        elif isinstance(value, list):
            index = position(token)
            value = value[index] if index is not None and index < len(value) else ABSENT
        else:
            return ABSENT
    return value


def covers(outer: str, inner: str) -> bool:
    """Whether `inner` is the place `outer` or lies within it.

    >>> covers("/a", "/a/b"), covers("/a", "/ab"), covers("", "/a")
    (True, False, True)
    """
    return inner == outer or inner.startswith(outer + "/")
