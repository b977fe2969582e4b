"""What hooks may return, what becomes of mistakes, and what passes from one hook to the other."""

import pytest

from sandgate import Refusal, answer, configure, finding, http, log, post_call, pre_call, refuse, replace, state, testing
from sandgate.decision import Text


def test_a_hook_that_returns_nothing_lets_the_call_go_on():
    @pre_call("tools/call")
    def nothing(ctx, params):
        pass

    assert testing.pre_call({"name": "x"}).decision == "proceed"


def test_a_refusal_drops_what_was_changed():
    @pre_call("tools/call", type="mutation")
    def check(ctx, params):
        params["/name"] = "y"
        return refuse("no", "No.", at="/name", details={"retryAfterMs": 5})

    outcome = testing.pre_call({"name": "x"})
    assert (outcome.decision, outcome.after) == ("refuse", {"name": "x"})
    assert outcome.refusal == Refusal("no", "No.", "/name", '{"retryAfterMs":5}')


def test_a_refusal_that_is_not_returned_is_a_fault_and_not_a_pass():
    @pre_call("tools/call")
    def careless(ctx, params):
        refuse("no", "No.")

    outcome = testing.pre_call({})
    assert outcome.decision == "fault"
    assert "write `return refuse(...)`" in outcome.fault
    assert "test_hooks.py:" in outcome.fault and "in careless" in outcome.fault


def test_a_refusal_made_by_a_run_before_is_not_this_ones():
    @pre_call("tools/call")
    def careless(ctx, params):
        if "/x" in params:
            refuse("no", "No.")

    assert testing.pre_call({"x": 1}).decision == "fault"
    assert testing.pre_call({}).decision == "proceed"


def test_an_answer_stands_in_for_the_server_and_only_before_the_call():
    @pre_call("tools/call", type="mutation")
    @post_call("tools/call")
    def stand_in(ctx, document):
        return answer({"content": []})

    assert testing.pre_call({}).after == {"content": []}
    outcome = testing.post_call({})
    assert outcome.decision == "fault"
    assert "a post-call hook returns nothing, refuse(...), replace(...); not Answer" in outcome.fault


def test_a_document_may_be_replaced_as_a_whole():
    @post_call("tools/call")
    def swap(ctx, reply):
        return replace({"content": [1]})

    assert testing.post_call({"content": []}).after == {"content": [1]}


def test_functions_run_in_the_order_of_the_source_each_for_its_events():
    @post_call("tools/*")
    def first(ctx, reply):
        reply.map_texts(lambda text: text + "1")

    @post_call("prompts/get")
    def other(ctx, reply):
        reply.map_texts(lambda text: text + "never")

    @post_call("tools/call")
    def second(ctx, reply):
        reply.map_texts(lambda text: text + "2")

    assert testing.post_call({"x": "a"}).edits == [Text(0, "a12")]
    assert testing.post_call({"x": "a"}, method="tools/list").edits == [Text(0, "a1")]
    assert testing.post_call({"x": "a"}, method="resources/read").decision == "proceed"


def test_a_fault_names_type_file_and_line_of_the_authors_frames():
    def inner():
        raise LookupError("jane@example.com")

    @pre_call("tools/call")
    def outer(ctx, params):
        inner()

    lines = testing.pre_call({}).fault.splitlines()
    assert lines[0] == "LookupError: jane@example.com"
    assert [line.split(":")[0] for line in lines[1:]] == ["  at test_hooks.py"] * 2
    assert [line.split(" in ")[1] for line in lines[1:]] == ["inner", "outer"]


def test_a_fault_within_the_sdk_is_told_of_the_line_that_asked():
    @pre_call("tools/call")
    def check(ctx, params):
        params.set("/x", object())

    fault = testing.pre_call({}).fault
    assert fault.splitlines()[0].startswith("TypeError: ")
    assert len(fault.splitlines()) == 2 and "in check" in fault


def test_an_end_of_the_program_is_a_fault_as_in_a_component():
    @pre_call("tools/call")
    def check(ctx, params):
        raise SystemExit(3)

    assert testing.pre_call({}).fault.startswith("SystemExit: 3\n  at test_hooks.py:")


def test_an_exception_that_swallows_everything_does_not_swallow_a_refusal():
    @pre_call("tools/call")
    def check(ctx, params):
        try:
            return refuse("no", "No.")
        except BaseException:
            return None

    assert testing.pre_call({}).decision == "refuse"


def test_a_note_goes_from_the_call_to_the_reply():
    @pre_call("tools/call")
    def before(ctx, params):
        ctx.carry(b"note")

    @post_call("tools/call")
    def after(ctx, reply):
        reply["/note"] = ctx.carried.decode()

    carried = testing.pre_call({}).carried
    assert testing.post_call({}, carried=carried).after == {"note": "note"}


def test_the_context_is_what_the_gateway_says():
    @post_call("tools/call")
    def check(ctx, reply):
        reply["/seen"] = [
            ctx.id, ctx.method, ctx.direction, ctx.server, ctx.target, ctx.session, ctx.principal,
            ctx.definition, ctx.params["/a"], ctx.failed, ctx.groups, ctx.attribute("client.name"), ctx.remaining,
        ]  # fmt: skip

    outcome = testing.post_call(
        {"code": 1, "message": "m"}, target="t", server="s", session="c", principal="p", definition={"name": "t"}, params={"a": 1}, failed=True,
        groups=["g"], attributes={"client.name": "n"},
    )  # fmt: skip
    assert outcome.after["seen"] == [
        "test", "tools/call", "client-to-server", "s", "t", "c", "p", {"name": "t"}, 1, True, ["g"], "n", 1.0,
    ]  # fmt: skip


def test_what_a_hook_reports_is_in_the_outcome():
    @pre_call("tools/call")
    def check(ctx, params):
        finding("rule", "words", severity="error", part="params", at="/x", details=[1])
        log.info("line")

    outcome = testing.pre_call({})
    assert [(f.rule, f.severity, f.part, f.pointer, f.message, f.details) for f in outcome.findings] == [
        ("rule", "error", "params", "/x", "words", "[1]")
    ]
    assert outcome.logs == [("info", "line")]


def test_state_without_the_grant_is_denied():
    @pre_call("tools/call")
    def check(ctx, params):
        state.get("x")

    testing.grant_state(False)
    assert testing.pre_call({}).fault.startswith("sandgate.state.Denied: ")


def test_state_counts_compares_and_forgets():
    assert state.increment("n", 5) == 5
    assert state.get("n") == (5).to_bytes(8, "little")
    assert not state.compare_and_set("x", b"1", b"2")
    assert state.compare_and_set("x", None, b"2")
    state.delete("x")
    assert state.get("x") is None
    state.set("y", b"y", ttl=0)
    assert state.get("y") is None
    with pytest.raises(state.Unavailable):
        state.set("z", b"z")
        state.increment("z")


@pytest.mark.parametrize("wrong", [lambda: pre_call(), lambda: pre_call(len), lambda: pre_call("x", type="filter")])
def test_a_decorator_without_events_says_what_to_write(wrong):
    with pytest.raises(TypeError, match="pre_call: "):
        wrong()


def test_an_async_function_is_no_hook():
    with pytest.raises(TypeError, match="check is async"):

        @pre_call("tools/call")
        async def check(ctx, params):
            pass


def test_a_function_that_cannot_be_called_as_a_hook_is_told_with_its_line_and_what_to_write():
    with pytest.raises(TypeError) as caught:

        @pre_call("tools/call")
        def check(params):
            pass

    words = str(caught.value)
    assert words.startswith("test_hooks.py:") and words.endswith(
        ": check takes 1 parameter; a pre_call hook is called with two: def check(ctx, params)"
    )
    with pytest.raises(TypeError, match=r"scrub takes 0 parameters; .* def scrub\(ctx, reply\)$"):

        @post_call("tools/call")
        def scrub():
            pass

    with pytest.raises(TypeError, match=r"prepare takes 1 parameter; @configure calls it with none: def prepare\(\)"):

        @configure
        def prepare(settings):
            pass


@pytest.mark.parametrize("fits", [lambda ctx, params, more=1: None, lambda *both: None, print])
def test_a_function_that_can_be_called_as_a_hook_is_one(fits):
    pre_call("tools/call")(fits)


def test_a_request_is_answered_by_the_test_and_a_large_reply_is_refused():
    testing.clear()
    testing.answer_http("https://a.example/", method="POST", status=201, headers={"X-Seen": "yes"}, body=b"12345")
    reply = http.post("https://a.example", "é")
    assert (reply.status, reply.headers, reply.text()) == (201, {"x-seen": "yes"}, "12345")
    with pytest.raises(http.TooLarge):
        http.post("https://a.example/", b"", limit=4)
    with pytest.raises(http.Failure):
        http.get("https://a.example/")
    with pytest.raises(ValueError):
        http.get("a.example")
    testing.clear()
    with pytest.raises(http.Failure):
        http.post("https://a.example/", b"")


def test_a_late_answer_is_none_for_who_does_not_wait_and_failures_have_kinds():
    url = "https://a.example/"
    testing.answer_http(url, delay=1, fails="cut")
    with pytest.raises(http.TimedOut, match="HTTP-response-timeout"):
        http.get(url, timeout=1)
    for timeout in (1.1, None):
        with pytest.raises(http.Cut):
            http.get(url, timeout=timeout)
    testing.answer_http(url, fails="refused")
    with pytest.raises(http.Refused, match="connection-refused"):
        http.get(url, timeout=1)
    testing.answer_http(url, delay=1, body=b"late")
    assert http.get(url, timeout=2).body == b"late"


def test_what_configure_returns_is_issues_or_nothing():
    @configure
    def prepare():
        return [("/closes", "is not after `opens`")]

    (issue,) = testing.configure()
    assert issue.message.startswith("TypeError: a configure function returns Issues or nothing, not tuple")
