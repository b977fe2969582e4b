import plugin  # noqa: F401
from sandgate import testing


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
