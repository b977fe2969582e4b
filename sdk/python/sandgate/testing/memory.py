"""A document in memory, which reads as the gateway's does."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sandgate.decision import Edit, Remove, Set
from sandgate.json_text import from_json
from sandgate.pointer import position, tokens
from sandgate.testing import reading
from sandgate.testing.stop import malformed
from sandgate.testing.tree import Tree, parse

_NO_ESCAPE = re.compile("~(?![01])")


@dataclass
class Run:
    """The contract's `text-run`."""

    text: str
    ends: list[int]


class Memory:
    """The contract's resource `document`."""

    def __init__(self, text: str) -> None:
        self._text = text.strip(" \t\r\n")
        self._root = parse(self._text)

    def size(self) -> int:
        return len(self._text.encode())

    def json(self) -> str:
        return self._text

    def get(self, pointer: str) -> str | None:
        try:
            path = tokens(pointer)
        except ValueError:
            return None
        value: Tree | None = self._root
        for token in path:
            if value is None:
                return None
            index = position(token) if value.kind == "array" else None
            if index is not None:
                value = value.elements[index] if index < len(value.elements) else None
            else:
                value = value.member(token)
        return None if value is None else self._text[value.start : value.end]

    def texts(self) -> Run:
        return _run(content for _, content in reading.texts(self._text, self._root))

    def strings(self) -> Run:
        return _run(content for _, content in reading.strings(self._text, self._root))

    def keys(self) -> Run:
        return _run(reading.keys(self._root))

    def text_pointer(self, index: int) -> str | None:
        return next((at for at, _ in islice(reading.texts(self._text, self._root), index, None)), None)

    def string_pointer(self, index: int) -> str | None:
        return next((at for at, _ in islice(reading.strings(self._text, self._root), index, None)), None)

    def place(self, index: int, edit: Edit, deepest: int | None) -> "_Place":
        """Where the edit of this index in a list applies."""
        if isinstance(edit, Set):
            try:
                parse(edit.json, deepest)
            except ValueError as error:
                raise malformed(f"edit {index}: {error}") from None
        if isinstance(edit, (Set, Remove)):
            return self._find(index, edit, edit.pointer)
        pointer = self.text_pointer(edit.index)
        if pointer is None:
            raise malformed(f"edit {index}: text {edit.index} of {len(self.texts().ends)}")
        return self._find(index, edit, pointer)

    def _find(self, index: int, edit: Edit, pointer: str) -> "_Place":
        unusable, missing = (malformed(f"edit {index}: {why}") for why in ("not a usable pointer", "nothing stands there"))
        if (pointer and pointer[0] != "/") or _NO_ESCAPE.search(pointer):
            raise unusable
        path, value = tokens(pointer), self._root
        if not path and isinstance(edit, Remove):
            raise unusable
        for at, token in enumerate(path):
            last, child = at == len(path) - 1, None
            if value.kind == "array":
                element = position(token)
                if element is None:
                    if last and token == "-" and isinstance(edit, Set):
                        return _Place(index, edit, path, value.start, value.end, adds=True)
                    raise unusable
                child = value.elements[element] if element < len(value.elements) else None
            elif value.kind == "object":
                child = value.member(token)
                if child is None and last and isinstance(edit, Set):
                    return _Place(index, edit, path, value.start, value.end, adds=True, name=token)
            if child is None:
                raise missing
            value = child
        return _Place(index, edit, path, value.start, value.end)


def apply(memory: Memory, edits: Sequence[Edit], deepest: int | None = None) -> Any:
    """The document as these edits leave it, as a value; raises `Stopped`, in the gateway's words, where it calls one of them a
    malfunction. `deepest`: so many levels of a value that is put in."""
    places = [memory.place(index, edit, deepest) for index, edit in enumerate(edits)]
    _check_overlap(places)
    value = from_json(memory.json())
    # Removals of an array's elements from its end: indexes refer to the document as it was handed over.
    removals = sorted((one for one in places if isinstance(one.edit, Remove)), key=lambda one: one.start, reverse=True)
    for one in [one for one in places if not isinstance(one.edit, Remove)] + removals:
        value = _changed(value, one.path, one.edit)
    return value


@dataclass
class _Place:
    """Where an edit applies: the value that it replaces or removes, or the object or array that it adds to."""

    index: int
    edit: Edit
    path: list[str]
    start: int
    end: int
    adds: bool = False
    name: str | None = None
    """Of a member that is added to an object."""


def _check_overlap(places: list[_Place]) -> None:
    members: dict[tuple[int, str], int] = {}
    for one in places:
        if one.name is not None:
            first = members.setdefault((one.start, one.name), one.index)
            if first != one.index:
                raise malformed(f"edits {first} and {one.index} overlap")
    covered, by = 0, 0
    for one in sorted(places, key=lambda one: (one.start, one.adds)):
        if one.start < covered:
            raise malformed(f"edits {min(one.index, by)} and {max(one.index, by)} overlap")
        if not one.adds:
            covered, by = one.end, one.index


def _changed(value: Any, path: list[str], edit: Edit) -> Any:
    new = edit.text if not isinstance(edit, (Set, Remove)) else None if isinstance(edit, Remove) else from_json(edit.json)
    if not path:
        return new
    parent = value
    for token in path[:-1]:
        parent = parent[_key(parent, token)]
    last = path[-1]
    if isinstance(edit, Remove):
        del parent[_key(parent, last)]
    elif isinstance(parent, list) and last == "-":
        parent.append(new)
    else:
        parent[_key(parent, last)] = new
    return value


def _key(parent: Any, token: str) -> Any:
    return int(token) if isinstance(parent, list) else token


def _run(texts: Iterable[str]) -> Run:
    parts, ends, end = [], [], 0
    for text in texts:
        end += len(text.encode())
        ends.append(end)
        end += 1
        parts.append(text + "\n")
    return Run("".join(parts), ends)
