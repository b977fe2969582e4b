"""A document in memory, which reads as the gateway's does."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sandgate.decision import Edit, Remove, Set
from sandgate.json_text import from_json
from sandgate.pointer import position, tokens
from sandgate.testing import reading
from sandgate.testing.tree import Tree, parse


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


def apply(memory: Memory, edits: Iterable[Edit]) -> Any:
    """The document as these edits leave it, as a value; an error where the gateway would call an edit a malfunction."""
    value = from_json(memory.json())
    at: list[tuple[list[str], Edit]] = []
    for edit in edits:
        if isinstance(edit, (Set, Remove)):
            at.append((tokens(edit.pointer), edit))
        else:
            pointer = memory.text_pointer(edit.index)
            if pointer is None:
                raise ValueError(f"text {edit.index}: there are fewer")
            at.append((tokens(pointer), edit))
    # Removals of an array's elements from its end: indexes refer to the document as it was handed over.
    removals = sorted((pair for pair in at if isinstance(pair[1], Remove)), key=lambda pair: _order(pair[0]), reverse=True)
    for path, edit in [pair for pair in at if not isinstance(pair[1], Remove)] + removals:
        value = _changed(value, path, edit)
    return value


def _order(path: list[str]) -> list[tuple[int, str]]:
    return [(position(token) if position(token) is not None else -1, token) for token in path]  # type: ignore[misc]


def _changed(value: Any, path: list[str], edit: Edit) -> Any:
    new = edit.text if not isinstance(edit, (Set, Remove)) else None if isinstance(edit, Remove) else from_json(edit.json)
    if not path:
        if isinstance(edit, Remove):
            raise ValueError("the whole document cannot be removed")
        return new
    parent = value
    for token in path[:-1]:
        parent = parent[_key(parent, token)]
    last = path[-1]
    if isinstance(parent, list) and last == "-" and isinstance(edit, Set):
        parent.append(new)
    elif isinstance(edit, Remove):
        del parent[_key(parent, last)]
    elif isinstance(parent, dict):
        parent[last] = new
    else:
        parent[_key(parent, last)] = new
    return value


def _key(parent: Any, token: str) -> Any:
    if isinstance(parent, list):
        index = position(token)
        if index is None:
            raise ValueError(f"{token!r} is no index")
        return index
    if not isinstance(parent, dict):
        raise ValueError(f"nothing at {token!r}")
    return token


def _run(texts: Iterable[str]) -> Run:
    parts, ends, end = [], [], 0
    for text in texts:
        end += len(text.encode())
        ends.append(end)
        end += 1
        parts.append(text + "\n")
    return Run("".join(parts), ends)
