import plugin  # noqa: F401
from sandgate import testing
{{#post}}


def test_addresses_are_masked() -> None:
    outcome = testing.post_call({"content": [{"type": "text", "text": "Write to jane.doe@example.com."}]})
    assert outcome.after["content"][0]["text"] == "Write to [email]."
{{/post}}
{{#pre}}


def test_rm_rf_is_refused() -> None:
    outcome = testing.pre_call({"name": "shell", "arguments": {"command": "rm -rf /"}})
    assert outcome.refusal and outcome.refusal.code == "command.destructive"
{{/pre}}
