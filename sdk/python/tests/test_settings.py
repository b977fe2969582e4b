"""Settings arrive typed, and what does not fit is told with its place and without its value."""

from dataclasses import dataclass, field
from enum import Enum
from typing import Annotated, Any, Literal

import pytest

from sandgate import configure, settings, testing
from sandgate.settings import Issue, schema


class Mode(Enum):
    MASK = "mask"
    DROP = "drop"


@dataclass
class Rule:
    name: str
    weight: float = 1.0


@dataclass(frozen=True)
class Settings:
    max_bytes: Annotated[int, "Bytes.", {"minimum": 1}] = 10
    mode: Mode = Mode.MASK
    how: Literal["a", 1] = "a"
    rules: list[Rule] = field(default_factory=list)
    names: dict[str, bool] = field(default_factory=dict)
    note: str | None = None
    any: Any = None


def test_what_the_operator_set_is_there_typed():
    given = settings(Settings)
    assert testing.configure({"max-bytes": 3, "mode": "drop", "how": 1, "rules": [{"name": "r", "weight": 2}]}) == []
    assert (given.max_bytes, given.mode, given.how, given.rules, given.note) == (3, Mode.DROP, 1, [Rule("r", 2.0)], None)
    assert testing.configure({}) == []
    assert (given.max_bytes, given.rules) == (10, [])


@pytest.mark.parametrize(
    ("given", "issue"),
    [
        ({"max_bytes": 1}, ("/max_bytes", "unknown; known are max-bytes, mode, how, rules, names, note, any")),
        ({"max-bytes": True}, ("/max-bytes", "a whole number is wanted")),
        ({"max-bytes": "secret"}, ("/max-bytes", "a whole number is wanted")),
        ({"mode": "secret"}, ("/mode", "one of these is wanted: 'mask', 'drop'")),
        ({"how": True}, ("/how", "one of these is wanted: 'a', 1")),
        ({"rules": [{"name": "r"}, {}]}, ("/rules/1/name", "missing")),
        ({"rules": {}}, ("/rules", "a list is wanted")),
        ({"names": {"a/b": 1}}, ("/names/a~1b", "true or false is wanted")),
        ({"note": 3}, ("/note", "text is wanted")),
        ([], ("", "a table is wanted")),
    ],
)
def test_what_does_not_fit_is_told_with_its_place(given, issue):
    settings(Settings)
    assert testing.configure(given) == [Issue(*issue)]


def test_the_schema_is_the_dataclasss():
    settings(Settings)
    assert schema()["properties"] == {
        "max-bytes": {"type": "integer", "description": "Bytes.", "minimum": 1, "default": 10},
        "mode": {"enum": ["mask", "drop"], "default": "mask"},
        "how": {"enum": ["a", 1], "default": "a"},
        "rules": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "properties": {"name": {"type": "string"}, "weight": {"type": "number", "default": 1.0}},
                "required": ["name"],
            },
            "default": [],
        },
        "names": {"type": "object", "additionalProperties": {"type": "boolean"}, "default": {}},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
        "any": {"default": None},
    }


def test_a_plugin_without_settings_has_nothing_to_set():
    assert testing.configure({}) == []
    assert testing.configure({"x/y": 1}) == [Issue("/x~1y", "this plugin has nothing to set")]


def test_an_exception_in_configure_is_an_issue_with_its_place():
    @configure
    def fails():
        raise ValueError("no")

    (issue,) = testing.configure({})
    assert issue.pointer == "" and issue.message.startswith("ValueError: no\n  at test_settings.py:")


def test_what_is_no_dataclass_or_no_type_for_settings_is_refused():
    with pytest.raises(TypeError, match="a dataclass is wanted"):
        settings(dict)

    @dataclass
    class Odd:
        x: complex = 1j

    settings(Odd)
    with pytest.raises(TypeError, match="not a type that settings can have"):
        schema()
