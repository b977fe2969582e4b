import hashlib
import hmac

import plugin
from sandgate import testing

SECRET = "not-so-secret-as-it-should-be"
ALWAYS_CLOSED = {"secret": SECRET, "days": []}


def approval(tool: str, principal: str, expires: int) -> str:
    signed = f"{tool}\n{principal}\n{expires}".encode()
    return f"{expires}.{hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()}"


def called(approved: str | None) -> testing.Outcome:
    assert testing.configure(ALWAYS_CLOSED) == []
    params = {"name": "pay", **({} if approved is None else {"_meta": {plugin.APPROVAL: approved}})}
    return testing.pre_call(params, target="pay", principal="ada")


def test_outside_of_office_hours_an_approval_is_wanted() -> None:
    outcome = called(None)
    assert outcome.refusal and outcome.refusal.code == "office.closed"
    assert called(approval("pay", "ada", 99_999_999_999)).decision == "proceed"


def test_an_approval_is_for_one_tool_and_one_caller() -> None:
    for other in (approval("refund", "ada", 99_999_999_999), approval("pay", "bob", 99_999_999_999), "1.00", ".", "\u0663.x"):
        outcome = called(other)
        assert outcome.refusal and outcome.refusal.code == "office.approval"


def test_an_office_that_closes_before_it_opens_is_told() -> None:
    (issue,) = testing.configure({"secret": SECRET, "opens": "17:00", "closes": "09:00"})
    assert issue.pointer == "/closes"
