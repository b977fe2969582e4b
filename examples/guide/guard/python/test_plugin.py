import plugin  # noqa: F401
from sandgate import testing

DELETE = {"name": "delete_note", "arguments": {"id": 7}}


def test_only_admins_delete() -> None:
    refused = testing.pre_call(DELETE, target="delete_note", groups=["staff"])
    assert refused.refusal and refused.refusal.code == "delete.forbidden"
    allowed = testing.pre_call(DELETE, target="delete_note", groups=["admins"])
    assert allowed.decision == "proceed"
