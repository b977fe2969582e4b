"""A JSON document that stays in the gateway; only what is read crosses over, and only what changed goes back."""

from collections.abc import Callable
from typing import Any, Protocol

from sandgate.decision import Edit, Remove, Set, Text
from sandgate.fault import Misuse
from sandgate.json_text import from_json, to_json, utf8
from sandgate.pointer import covers, escape, tokens


class TextRun(Protocol):
    """Texts in one, each followed by a line feed, and the byte offsets at which they end."""

    text: str
    ends: list[int]


class Source(Protocol):
    """What a document asks; the contract's resource `document`."""

    def size(self) -> int: ...
    def json(self) -> str: ...
    def get(self, pointer: str) -> str | None: ...
    def texts(self) -> TextRun: ...
    def strings(self) -> TextRun: ...
    def keys(self) -> TextRun: ...
    def text_pointer(self, index: int) -> str | None: ...
    def string_pointer(self, index: int) -> str | None: ...


class Document:
    """Params or a reply.

    What is read is what was handed over, whatever was changed since; only `texts` shows texts as `set_text` and
    `map_texts` left them. Changes are collected and leave together as the smallest edits when the hook returns.

    >>> from sandgate.testing import document
    >>> params = document({"name": "send", "arguments": {"to": "jane", "cc": ["joe"]}})
    >>> params["/arguments/to"]
    'jane'
    >>> params["/arguments/to"] = "[name]"
    >>> del params["/arguments/cc"]
    >>> params.edits()
    [Set(pointer='/arguments/to', json='"[name]"'), Remove(pointer='/arguments/cc')]
    """

    __slots__ = ("_source", "_texts", "_was", "_changes", "_appended")

    def __init__(self, source: Source) -> None:
        self._source = source
        self._texts: list[str] | None = None
        # The texts that were changed, as they were.
        self._was: dict[int, str] = {}
        self._changes: dict[str, Set | Remove] = {}
        self._appended: list[Set] = []

    def size(self) -> int:
        """Bytes of JSON text."""
        return self._source.size()

    def raw(self, pointer: str = "") -> str | None:
        """The JSON text at a pointer, as it stands; None where nothing does.

        >>> from sandgate.testing import document
        >>> document('{"n": 1.50}').raw("/n")
        '1.50'
        """
        return self._source.get(pointer) if pointer else self._source.json()

    def json(self) -> Any:
        """The whole document, parsed. Each call gives a value of its own; changing it changes nothing: see `become`."""
        return from_json(self._source.json())

    def get(self, pointer: str, default: Any = None) -> Any:
        """The value at a JSON Pointer; `default` where nothing stands.

        >>> from sandgate.testing import document
        >>> document({"arguments": {"path": "/etc"}}).get("/arguments/path")
        '/etc'
        """
        text = self.raw(pointer)
        return default if text is None else from_json(text)

    def __contains__(self, pointer: str) -> bool:
        return self.raw(pointer) is not None

    def __getitem__(self, pointer: str) -> Any:
        text = self.raw(pointer)
        if text is None:
            raise KeyError(pointer)
        return from_json(text)

    def texts(self) -> list[str]:
        """The string values that people or models read, in document order. Left out: protocol machinery (cursors,
        `requestState`, ids, MIME types) and base64 payloads (`data`, `blob`)."""
        return list(self._current())

    def strings(self) -> list[str]:
        """Every string value, nothing left out."""
        return _parted(self._source.strings())

    def keys(self) -> list[str]:
        """Every member name, in document order."""
        return _parted(self._source.keys())

    def text_pointer(self, index: int) -> str | None:
        """Where the n-th of `texts` stands; None where there are fewer."""
        return self._source.text_pointer(index)

    def string_pointer(self, index: int) -> str | None:
        """Where the n-th of `strings` stands; None where there are fewer."""
        return self._source.string_pointer(index)

    def set_text(self, index: int, text: str) -> None:
        """The n-th of `texts` becomes this one.

        >>> from sandgate.testing import document
        >>> reply = document({"content": [{"type": "text", "text": "secret"}]})
        >>> reply.set_text(0, "[hidden]")
        >>> reply.edits()
        [Text(index=0, text='[hidden]')]
        """
        texts = self._current()
        if not 0 <= index < len(texts):
            raise IndexError(f"text {index} of {len(texts)}")
        self._was.setdefault(index, texts[index])
        texts[index] = utf8(text, "text")

    def map_texts(self, change: Callable[[str], str | None]) -> int:
        """Puts each of `texts` through `change`, which gives the new text; None or the same text leaves it. Returns how
        many changed.

        >>> from sandgate.testing import document
        >>> reply = document({"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]})
        >>> reply.map_texts(lambda text: text.replace("b", "c"))
        1
        >>> reply.edits()
        [Text(index=1, text='c')]
        """
        changed = 0
        for index, text in enumerate(self._current()):
            new = change(text)
            if new is not None and new != text:
                self.set_text(index, new)
                changed += 1
        return changed

    def map_strings(self, change: Callable[[str], str | None]) -> int:
        """As `map_texts`, over every string value."""
        changed = 0
        for index, text in enumerate(self.strings()):
            new = change(text)
            if new is not None and new != text:
                pointer = self._source.string_pointer(index)
                if pointer is None:
                    raise IndexError(f"string {index}")
                self.set(pointer, new)
                changed += 1
        return changed

    def set(self, pointer: str, value: Any) -> None:
        """Replaces the value at a pointer, adds a member to an existing object, or appends (`/-`) to an existing array.
        `document[pointer] = value` is the same.

        >>> from sandgate.testing import document
        >>> params = document({"arguments": {"tags": []}})
        >>> params.set("/arguments/tags/-", "checked")
        >>> params.edits()
        [Set(pointer='/arguments/tags/-', json='"checked"')]
        """
        change = Set(utf8(pointer, "pointer"), to_json(value))
        if pointer.endswith("/-"):
            self._check(pointer)
            self._appended.append(change)
        else:
            self._change(change)

    def remove(self, pointer: str) -> None:
        """The value at a pointer goes; nothing there is an error. `del document[pointer]` is the same."""
        if self.raw(pointer) is None:
            raise KeyError(pointer)
        self._change(Remove(pointer))

    def __setitem__(self, pointer: str, value: Any) -> None:
        self.set(pointer, value)

    def __delitem__(self, pointer: str) -> None:
        self.remove(pointer)

    def become(self, value: Any) -> None:
        """Changes whatever differs between the document and `value`, and nothing else.

        >>> from sandgate.testing import document
        >>> params = document({"name": "send", "arguments": {"to": ["a", "b"], "secret": 1}})
        >>> params.become({"name": "send", "arguments": {"to": ["a", "c"]}})
        >>> params.edits()
        [Set(pointer='/arguments/to/1', json='"c"'), Remove(pointer='/arguments/secret')]
        """
        self._differ("", self.json(), value)

    def edits(self) -> list[Edit]:
        """What was changed so far, as it will leave."""
        texts = self._texts or []
        changed = [Text(index, texts[index]) for index, was in sorted(self._was.items()) if texts[index] != was]
        others = [*self._changes.values(), *self._appended]
        if others:
            for edit in changed:
                at = self._source.text_pointer(edit.index)
                for other in others:
                    if at is not None and covers(other.pointer, at):
                        raise Misuse(f"text {edit.index} stands within {other.pointer!r}, which is changed too")
        return [*changed, *others]

    def _current(self) -> list[str]:
        if self._texts is None:
            self._texts = _parted(self._source.texts())
        return self._texts

    def _change(self, change: Set | Remove) -> None:
        self._check(change.pointer)
        self._changes[change.pointer] = change

    def _check(self, pointer: str) -> None:
        tokens(pointer)
        for other in [*self._changes, *(appended.pointer for appended in self._appended)]:
            if other != pointer and (covers(other, pointer) or covers(pointer, other)):
                raise Misuse(f"{pointer!r} overlaps with the change at {other!r}")

    def _differ(self, pointer: str, old: Any, new: Any) -> None:
        if isinstance(old, dict) and isinstance(new, dict):
            for name, value in new.items():
                if name not in old:
                    self.set(f"{pointer}/{escape(name)}", value)
                else:
                    self._differ(f"{pointer}/{escape(name)}", old[name], value)
            for name in old:
                if name not in new:
                    self.remove(f"{pointer}/{escape(name)}")
        elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
            for index, (before, after) in enumerate(zip(old, new)):
                self._differ(f"{pointer}/{index}", before, after)
        elif type(old) is not type(new) or old != new:
            self.set(pointer, new)


def _parted(run: TextRun) -> list[str]:
    text, ends = run.text, run.ends
    parts = []
    start = 0
    if text.isascii():
        for end in ends:
            parts.append(text[start:end])
            start = end + 1
        return parts
    # The offsets are of bytes.
    data = text.encode()
    for end in ends:
        parts.append(data[start:end].decode())
        start = end + 1
    return parts
