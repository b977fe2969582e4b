"""Settings as a dataclass: typed for the plugin, a JSON Schema for the gateway."""

import dataclasses
import enum
import types
import typing
from collections.abc import Iterator
from typing import Annotated, Any, Literal, TypeVar, Union

from sandgate.pointer import escape

T = TypeVar("T")


@dataclasses.dataclass(frozen=True, slots=True)
class Issue:
    """What is wrong with the settings, and where: a JSON Pointer into them."""

    pointer: str
    message: str


class Issues:
    """Everything that is wrong with the settings, so that the operator mends it in one go. A `configure` function returns
    them; none at all means that the settings are fine.

    >>> issues = Issues()
    >>> issues.add("/limit", "at least 1")
    >>> list(issues)
    [Issue(pointer='/limit', message='at least 1')]
    """

    def __init__(self, *issues: Issue) -> None:
        self._issues = list(issues)

    def add(self, pointer: str, message: str) -> None:
        """One more. The message says what was wrong and what to do."""
        self._issues.append(Issue(pointer, message))

    def __iter__(self) -> Iterator[Issue]:
        return iter(self._issues)

    def __len__(self) -> int:
        return len(self._issues)


class Unfit(Exception):
    """Settings that do not fit their type."""

    def __init__(self, pointer: str, message: str) -> None:
        super().__init__(f"{pointer}: {message}")
        self.pointer = pointer
        self.message = message


declared: Any = None
"""The one object that `settings` made."""


def settings(cls: type[T]) -> T:
    """Declares what the operator may set, and gives the object that holds it: defaults until the gateway has configured
    the plugin, what the operator set afterwards. Fields are written with hyphens in the configuration. An `Annotated`
    text describes a field, a dict adds keywords of JSON Schema, which the gateway checks.

    >>> from dataclasses import dataclass, field
    >>> from typing import Annotated
    >>> from sandgate import settings, testing
    >>> @dataclass
    ... class Settings:
    ...     mask_with: Annotated[str, "What an address becomes.", {"minLength": 1}] = "[email]"
    ...     allow: list[str] = field(default_factory=list)
    >>> given = settings(Settings)
    >>> given.mask_with
    '[email]'
    >>> testing.configure({"mask-with": "***"})
    []
    >>> given.mask_with
    '***'
    >>> testing.configure({"mask-with": 3})
    [Issue(pointer='/mask-with', message='text is wanted')]
    """
    global declared
    if not (isinstance(cls, type) and dataclasses.is_dataclass(cls)):
        raise TypeError("settings: a dataclass is wanted")
    declared = _blank(cls)
    return typing.cast(T, declared)


def fill(given: Any) -> None:
    """Puts what the operator set into the declared object. Raises `Unfit`."""
    if declared is None:
        if given:
            raise Unfit("/" + escape(next(iter(given))), "this plugin has nothing to set")
        return
    made = _decode(type(declared), given, "")
    for field in dataclasses.fields(declared):
        object.__setattr__(declared, field.name, getattr(made, field.name))


def schema() -> dict[str, Any]:
    """The JSON Schema of what may be set.

    >>> from dataclasses import dataclass
    >>> from typing import Literal
    >>> @dataclass
    ... class Settings:
    ...     mode: Literal["mask", "drop"]
    ...     limit: int = 10
    >>> _ = settings(Settings)
    >>> schema()["properties"]
    {'mode': {'enum': ['mask', 'drop']}, 'limit': {'type': 'integer', 'default': 10}}
    >>> schema()["required"]
    ['mode']
    """
    if declared is None:
        return {"type": "object", "additionalProperties": False}
    return _schema(type(declared))


def settings_are_declared() -> bool:
    """Whether the source has called `settings`."""
    return declared is not None


def forget() -> None:
    """Nothing is declared any more; for tests that load one plugin after another."""
    global declared
    declared = None


def _blank(cls: type) -> Any:
    made: Any = object.__new__(cls)
    for field in dataclasses.fields(cls):
        if field.default is not dataclasses.MISSING:
            object.__setattr__(made, field.name, field.default)
        elif field.default_factory is not dataclasses.MISSING:
            object.__setattr__(made, field.name, field.default_factory())
    return made


def _key(name: str) -> str:
    return name.replace("_", "-")


def _fields(cls: type) -> list[tuple[str, str, Any, bool]]:
    """Name, key, type and whether it must be there."""
    hints = typing.get_type_hints(cls, include_extras=True)
    return [
        (
            field.name,
            _key(field.name),
            hints[field.name],
            field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING,
        )
        for field in dataclasses.fields(cls)
        if field.init
    ]


def _is_union(origin: Any) -> bool:
    return origin is Union or origin is types.UnionType


def _decode(kind: Any, value: Any, at: str) -> Any:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is Annotated:
        return _decode(arguments[0], value, at)
    if kind is Any:
        return value
    if _is_union(origin):
        return _decode_union(arguments, value, at)
    if origin is Literal:
        for literal in arguments:
            if type(literal) is type(value) and literal == value:
                return value
        raise Unfit(at, "one of these is wanted: " + ", ".join(repr(literal) for literal in arguments))
    if origin in (list, tuple, set, frozenset) or kind in (list, tuple, set, frozenset):
        if not isinstance(value, list):
            raise Unfit(at, "a list is wanted")
        element = arguments[0] if arguments else Any
        return (origin or kind)(_decode(element, part, f"{at}/{index}") for index, part in enumerate(value))
    if origin is dict or kind is dict:
        if not isinstance(value, dict):
            raise Unfit(at, "a table is wanted")
        element = arguments[1] if arguments else Any
        return {name: _decode(element, part, f"{at}/{escape(name)}") for name, part in value.items()}
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        return _decode_table(kind, value, at)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        try:
            return kind(value)
        except ValueError:
            wanted = ", ".join(repr(member.value) for member in kind)
            raise Unfit(at, f"one of these is wanted: {wanted}") from None
    return _decode_plain(kind, value, at)


def _decode_plain(kind: Any, value: Any, at: str) -> Any:
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    for wanted, words in ((str, "text"), (bool, "true or false"), (int, "a whole number"), (float, "a number")):
        if kind is wanted:
            if type(value) is wanted:
                return value
            if kind is int and type(value) is float and value.is_integer():
                return int(value)
            raise Unfit(at, f"{words} is wanted")
    if kind is None or kind is type(None):
        if value is None:
            return None
        raise Unfit(at, "null is wanted")
    raise TypeError(f"settings: {kind} is not a type that settings can have")


def _decode_union(kinds: tuple[Any, ...], value: Any, at: str) -> Any:
    first: Unfit | None = None
    for kind in kinds:
        try:
            return _decode(kind, value, at)
        except Unfit as unfit:
            first = first or unfit
    raise first or Unfit(at, "nothing fits")


def _decode_table(cls: type, value: Any, at: str) -> Any:
    if not isinstance(value, dict):
        raise Unfit(at, "a table is wanted")
    known = {key: (name, kind, required) for name, key, kind, required in _fields(cls)}
    for key in value:
        if key not in known:
            raise Unfit(f"{at}/{escape(key)}", "unknown; known are " + (", ".join(known) or "none"))
    made: dict[str, Any] = {}
    for key, (name, kind, required) in known.items():
        if key in value:
            made[name] = _decode(kind, value[key], f"{at}/{escape(key)}")
        elif required:
            raise Unfit(f"{at}/{escape(key)}", "missing")
    return cls(**made)


def _schema(kind: Any) -> dict[str, Any]:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is Annotated:
        made = _schema(arguments[0])
        for extra in arguments[1:]:
            if isinstance(extra, str):
                made["description"] = extra
            elif isinstance(extra, dict):
                made.update(extra)
        return made
    if kind is Any:
        return {}
    if _is_union(origin):
        return {"anyOf": [_schema(argument) for argument in arguments]}
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin in (list, tuple, set, frozenset) or kind in (list, tuple, set, frozenset):
        return {"type": "array", **({"items": _schema(arguments[0])} if arguments else {})}
    if origin is dict or kind is dict:
        return {"type": "object", **({"additionalProperties": _schema(arguments[1])} if arguments else {})}
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        return _schema_of_table(kind)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return {"enum": [member.value for member in kind]}
    for plain, word in ((str, "string"), (bool, "boolean"), (int, "integer"), (float, "number"), (type(None), "null")):
        if kind is plain:
            return {"type": word}
    raise TypeError(f"settings: {kind} is not a type that settings can have")


def _schema_of_table(cls: type) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    required = []
    blank = _blank(cls)
    for name, key, kind, must in _fields(cls):
        properties[key] = _schema(kind)
        if must:
            required.append(key)
        else:
            properties[key]["default"] = _plain(getattr(blank, name))
    made: dict[str, Any] = {"type": "object", "additionalProperties": False, "properties": properties}
    if required:
        made["required"] = required
    return made


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {_key(field.name): _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    if isinstance(value, (set, frozenset)):
        return sorted(_plain(part) for part in value)
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    return value
