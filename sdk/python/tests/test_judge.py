"""The double judges a decision as the gateway does, in its words."""

import json
from pathlib import Path

import pytest

from sandgate import Answer, Refusal, Replacement, answer, configure, finding, http, log
from sandgate import post_call, pre_call, refuse, replace, state, testing
from sandgate.decision import Remove, Set, Text
from sandgate.manifest import NoManifest
from sandgate.testing.judge import judge
from sandgate.testing.memory import Memory
from sandgate.testing.stop import Stopped

CASES = json.loads((Path(__file__).parents[2] / "judgements.json").read_text("utf-8"))
EDITS = {"set": Set, "remove": Remove, "text": Text}


def decided(said):
    if said == "proceed":
        return []
    ((word, value),) = said.items()
    if word == "edit":
        return [EDITS[kind](*given) if isinstance(given, list) else EDITS[kind](given) for edit in value for kind, given in edit.items()]
    return Refusal(**value) if word == "refuse" else {"replace": Replacement, "answer": Answer}[word](value)


@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
def test_decisions_are_judged_as_the_gateway_judges_them(case):
    becomes, document = case["becomes"], Memory(case["document"])
    more = {"request": not case.get("notification"), "failed": case.get("failed", False)}
    try:
        word, after = judge(case["role"], document, decided(case["decision"]), **more)
    except Stopped as stopped:
        assert {"failure": stopped.kind, "says": stopped.says} == becomes
    else:
        assert word == becomes["decision"]
        if "document" in becomes:
            assert after == json.loads(becomes["document"])


def test_a_validation_that_changes_fails_as_in_the_gateway_with_the_hooks_line():
    @pre_call("tools/call")
    def check(ctx, params):
        params["/name"] = "other"

    outcome = testing.pre_call({"name": "x"})
    assert (outcome.decision, outcome.after) == ("fault", {"name": "x"})
    first, where = outcome.fault.splitlines()
    assert first == "malformed: a validation may only proceed or refuse"
    assert where.startswith("  at test_judge.py:") and where.endswith("in check")


@pytest.mark.parametrize("decide", [lambda: answer({}), lambda: replace({})])
def test_a_validation_neither_answers_nor_replaces(decide):
    @pre_call("tools/call")
    def check(ctx, params):
        return decide()

    assert testing.pre_call({}).fault.startswith("malformed: a validation may only proceed or refuse")


def test_a_notification_is_not_answered_and_an_answer_is_an_object():
    @pre_call("*", type="mutation")
    def check(ctx, params):
        return answer([] if ctx.method == "tools/call" else {})

    assert testing.pre_call({}).fault.startswith("malformed: an answer must be an object")
    assert testing.pre_call({}, "notifications/progress").fault.startswith("malformed: a notification cannot be answered")


def test_a_note_has_a_size_and_no_hook_catches_the_end_of_its_run():
    @pre_call("tools/call")
    def check(ctx, params):
        assert ctx.carried is None
        ctx.carry(b"x" * (64 << 10))
        assert ctx.carried is None, "a note is for the post-call"
        try:
            ctx.carry(b"x" * ((64 << 10) + 1))
        except BaseException:
            pass

    assert testing.pre_call({}).fault.startswith("quota: went over its quota of bytes carried to the post-call\n  at test_judge.py:")


def test_findings_and_lines_have_their_sizes():
    @post_call("tools/call", type="validation")
    def check(ctx, reply):
        for index in range(258):
            finding("r" * 2000, "m")
        for index in range(40):
            log.info("x" * 2000)
        if "/details" in reply:
            finding("r", "m", details="x" * 5000)

    outcome = testing.post_call({})
    assert len(outcome.findings) == 257 and outcome.findings[0].rule == "r" * 1024 + "…"
    assert (outcome.findings[-1].rule, outcome.findings[-1].message) == (
        "sandgate.findings-cut", "more than 256 findings; the rest is left out",
    )  # fmt: skip
    assert outcome.logs[0][1] == "x" * 1024 + "…" and outcome.logs[-1][1] == "… (the rest of this run's log is left out)"
    assert len(outcome.logs) == 32

    @post_call("tools/list", type="validation")
    def other(ctx, reply):
        finding("r", "m", details="x" * 5000)

    assert testing.post_call({}, "tools/list").fault.startswith("quota: went over its quota of bytes of a finding's details")


def test_the_state_has_room_for_so_much_and_none_in_configure():
    with pytest.raises(state.Quota):
        state.set("k" * 1025, b"")
    with pytest.raises(state.Quota):
        state.set("k", b"x" * ((1 << 20) + 1))
    for index in range(15):
        state.set(f"{index}", b"x" * (1 << 20))
    with pytest.raises(state.Quota):
        state.set("one more", b"x" * (1 << 20))

    @configure
    def prepare():
        for ask in (lambda: state.get("0"), lambda: http.get("https://a.example/")):
            with pytest.raises((state.Denied, http.Denied)):
                ask()

    assert testing.configure() == []
    assert state.get("0") is not None


def test_long_words_of_a_refusal_are_cut():
    @pre_call("tools/call")
    def check(ctx, params):
        return refuse("c" * 200, "é" * 2000, at="/" + "p" * 1024)

    refusal = testing.pre_call({}).refusal
    assert (len(refusal.code), len(refusal.message), refusal.pointer) == (128, 1024, None)


PLUGIN = """
from sandgate import http, post_call, state

@post_call("tools/call")
def scrub(ctx, reply):
    state.get("x") if "/x" in reply else http.get("https://a.example/")
"""
MANIFEST = 'name = "x"\nversion = "0.1.0"\n{asks}\n[hooks.post-call]\ntype = "{type}"\nevents = ["tools/call"]\n'


def test_what_the_manifest_does_not_ask_for_is_not_granted(tmp_path):
    (tmp_path / "plugin.py").write_text(PLUGIN)
    (tmp_path / "plugin.toml").write_text(MANIFEST.format(asks="", type="mutation"))
    testing.load(tmp_path / "plugin.py")
    assert "plugin.toml does not ask for state: add it to [asks]" in testing.post_call({"x": 1}).fault
    assert "plugin.toml does not ask for http: add it to [asks]" in testing.post_call({}).fault
    state.set("x", b"a test puts in what it wants")
    (tmp_path / "plugin.toml").write_text(MANIFEST.format(asks='[asks]\nstate = "why"\n', type="mutation"))
    assert testing.post_call({"x": 1}).decision == "proceed"


def test_a_manifest_that_says_something_else_of_the_hooks_fails_the_test(tmp_path):
    (tmp_path / "plugin.py").write_text(PLUGIN)
    (tmp_path / "plugin.toml").write_text(MANIFEST.format(asks="", type="validation"))
    testing.load(tmp_path / "plugin.py")
    with pytest.raises(NoManifest, match="`hooks` is not what the source marks"):
        testing.post_call({})
