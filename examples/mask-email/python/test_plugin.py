import json
import tomllib
from pathlib import Path

import plugin  # noqa: F401
import pytest
from sandgate import testing

FIXTURES = sorted((Path(__file__).parents[1] / "fixtures").glob("*.toml"))


@pytest.mark.parametrize("file", FIXTURES, ids=lambda file: file.stem)
def test_the_shared_fixtures_come_to_the_decisions_that_they_expect(file):
    fixture = tomllib.loads(file.read_text("utf-8"))
    run = testing.pre_call if fixture["hook"] == "pre-call" else testing.post_call
    outcome = run(fixture.get("params") or fixture["reply"], method=fixture["event"])
    expected = fixture["expect"]
    assert outcome.decision == expected["decision"]
    if "document" in expected:
        assert outcome.after == json.loads(expected["document"])
    if "refusal" in expected:
        assert (outcome.refusal.code, outcome.refusal.message) == tuple(expected["refusal"].values())


def test_addresses_are_masked_and_nothing_else_is_touched():
    reply = {"content": [{"type": "text", "text": "Write to jane.doe@example.com."}, {"type": "text", "text": "or not"}]}
    outcome = testing.post_call(reply)
    assert [edit.index for edit in outcome.edits] == [0]
    assert outcome.after["content"][0]["text"] == "Write to [email]."


def test_rm_rf_is_refused():
    outcome = testing.pre_call({"name": "shell", "arguments": {"command": "rm -rf /"}})
    assert outcome.refusal.code == "command.destructive"


def test_everything_else_goes_on():
    assert testing.pre_call({"name": "shell", "arguments": {"command": "ls"}}).decision == "proceed"
