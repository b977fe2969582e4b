"""JSON as the gateway reads it: members in their order, each value with its text as it stands."""

import json
import re
from dataclasses import dataclass, field
from typing import Literal

_SPACE = re.compile(r"[ \t\n\r]*")
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*"')
_MARKS = re.compile(_STRING.pattern + r"|[\[\]{}]")
_PLAIN = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null")


@dataclass
class Tree:
    """A value: where its text begins and ends, and what it holds."""

    start: int
    end: int
    kind: Literal["object", "array", "string", "other"]
    string: str = ""
    members: list[tuple[str, "Tree"]] = field(default_factory=list)
    elements: list["Tree"] = field(default_factory=list)

    def member(self, name: str) -> "Tree | None":
        """The member of an object."""
        return next((value for key, value in self.members if key == name), None)


def parse(text: str, deepest: int | None = None) -> Tree:
    """Reads a JSON text; refuses what is none, duplicate members, and more levels than `deepest`."""
    if deepest is not None:
        _check_depth(text, deepest)
    tree, end = _value(text, _skip(text, 0))
    if _skip(text, end) != len(text):
        raise ValueError(f"no JSON: something follows at {end}")
    return tree


def _check_depth(text: str, deepest: int) -> None:
    depth = 0
    for mark in _MARKS.finditer(text):
        if mark.group() in "[{":
            depth += 1
            if depth > deepest:
                at = len(text[: mark.start()].encode())
                raise ValueError(f"nested deeper than {deepest} at byte {at}")
        elif mark.group() in "]}":
            depth -= 1


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _value(text: str, at: int) -> tuple[Tree, int]:
    first = text[at : at + 1]
    if first == "{":
        return _object(text, at)
    if first == "[":
        return _array(text, at)
    if first == '"':
        string, end = _string(text, at)
        return Tree(at, end, "string", string), end
    match = _PLAIN.match(text, at)
    if match is None or match.end() == at:
        raise ValueError(f"no JSON at {at}")
    return Tree(at, match.end(), "other"), match.end()


def _string(text: str, at: int) -> tuple[str, int]:
    match = _STRING.match(text, at)
    if match is None:
        raise ValueError(f"no JSON string at {at}")
    return json.loads(match.group()), match.end()


def _object(text: str, at: int) -> tuple[Tree, int]:
    tree = Tree(at, at, "object")
    here = _skip(text, at + 1)
    if text[here : here + 1] == "}":
        tree.end = here + 1
        return tree, here + 1
    while True:
        name, here = _string(text, here)
        here = _skip(text, here)
        if text[here : here + 1] != ":" or tree.member(name) is not None:
            raise ValueError(f"no JSON at {here}: a colon is missing or the name stands twice")
        value, here = _value(text, _skip(text, here + 1))
        tree.members.append((name, value))
        here = _skip(text, here)
        if text[here : here + 1] == "}":
            tree.end = here + 1
            return tree, here + 1
        if text[here : here + 1] != ",":
            raise ValueError(f"no JSON at {here}")
        here = _skip(text, here + 1)


def _array(text: str, at: int) -> tuple[Tree, int]:
    tree = Tree(at, at, "array")
    here = _skip(text, at + 1)
    if text[here : here + 1] == "]":
        tree.end = here + 1
        return tree, here + 1
    while True:
        value, here = _value(text, here)
        tree.elements.append(value)
        here = _skip(text, here)
        if text[here : here + 1] == "]":
            tree.end = here + 1
            return tree, here + 1
        if text[here : here + 1] != ",":
            raise ValueError(f"no JSON at {here}")
        here = _skip(text, here + 1)
