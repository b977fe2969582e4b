"""Changes leave as the smallest edits, and what cannot be is refused where the author sees it."""

import pytest

from sandgate import testing
from sandgate.decision import Remove, Set, Text
from sandgate.fault import Misuse
from sandgate.testing import document
from sandgate.testing.memory import apply

REPLY = {"content": [{"type": "text", "text": "ä"}, {"type": "text", "text": "b\nc"}], "n": None}


def test_texts_are_parted_where_they_end():
    assert document(REPLY).texts() == ["ä", "b\nc"]
    assert document({"a": "", "b": "x\ny", "c": ""}).texts() == ["", "x\ny", ""]
    assert document({}).texts() == []


def test_only_texts_that_change_are_edited():
    reply = document(REPLY)
    assert reply.map_texts(lambda text: text.replace("c", "d")) == 1
    assert reply.edits() == [Text(1, "b\nd")]


def test_a_text_changed_back_is_no_edit():
    reply = document(REPLY)
    reply.set_text(0, "x")
    reply.set_text(0, "ä")
    assert reply.edits() == []


def test_one_change_of_texts_sees_what_the_one_before_it_left():
    reply = document(REPLY)
    reply.map_texts(lambda text: text + "!")
    reply.map_texts(lambda text: text + "?")
    assert reply.texts() == ["ä!?", "b\nc!?"]
    assert len(reply.edits()) == 2


def test_strings_are_changed_by_their_pointers():
    reply = document({"a/b": ["x", 1], "type": "x"})
    reply.map_strings(lambda text: "y")
    assert reply.edits() == [Set("/a~1b/0", '"y"'), Set("/type", '"y"')]


def test_null_is_something_and_nothing_is_not():
    reply = document(REPLY)
    assert "/n" in reply and reply["/n"] is None
    assert "/m" not in reply and reply.get("/m", 1) == 1
    with pytest.raises(KeyError):
        reply["/m"]
    with pytest.raises(KeyError):
        del reply["/m"]


def test_numbers_that_no_float_holds_are_read_exactly():
    assert document('{"n": 12345678901234567890}')["/n"] == 12345678901234567890
    assert document('{"n": 1.50}').raw("/n") == "1.50"


def test_becoming_another_value_edits_what_differs():
    reply = document({"a": [1, {"b": True}], "c": "x", "d": [1]})
    reply.become({"a": [1, {"b": 1}], "d": [1, 2], "e~": None})
    assert reply.edits() == [Set("/a/1/b", "1"), Set("/d", "[1,2]"), Set("/e~0", "null"), Remove("/c")]


def test_edits_that_overlap_are_refused_at_once():
    reply = document({"a": {"b": 1}})
    reply["/a/b"] = 2
    reply["/a/b"] = 3
    with pytest.raises(Misuse, match="overlaps"):
        reply["/a"] = 4
    assert reply.edits() == [Set("/a/b", "3")]


def test_a_text_within_another_change_is_refused():
    reply = document(REPLY)
    reply.set_text(0, "x")
    reply["/content"] = []
    with pytest.raises(Misuse, match="text 0 stands within '/content'"):
        reply.edits()


def test_what_is_no_text_or_cannot_be_written_is_refused():
    reply = document(REPLY)
    with pytest.raises(TypeError, match="a str is wanted, not bytes"):
        reply.set_text(0, b"x")
    with pytest.raises(ValueError, match="lone surrogate"):
        reply.set_text(0, "\ud800")
    with pytest.raises(ValueError):
        reply["/n"] = float("nan")
    with pytest.raises(ValueError, match="begins with /"):
        reply["n"] = 1
    with pytest.raises(IndexError):
        reply.set_text(2, "x")


def test_elements_are_removed_by_their_places_before():
    memory = testing._memory([0, 1, 2, 3])
    assert apply(memory, [Remove("/1"), Remove("/2"), Set("/-", "4")]) == [0, 3, 4]


@pytest.mark.parametrize("text", ["", "{", '{"a":1,"a":2}', "[1,]", "01", '"\n"', "nul", "1 2"])
def test_what_is_no_json_is_no_document(text):
    with pytest.raises(ValueError):
        document(text)
