"""Runs hooks natively, under pytest or anything else: what a test puts in the gateway's place.

It follows the contract's comments and the gateway's reading of them (a test compares the two), and is for tests only: it
reads a document anew for every question. Where `plugin.toml` lies beside the plugin's source, it has to say of the hooks what the
source does, and what it does not ask for is not granted.

>>> from sandgate import pre_call, refuse, testing
>>> @pre_call("tools/call")
... def check(ctx, params):
...     if ctx.target == "delete_all":
...         return refuse("delete.forbidden", "Deleting is not allowed.")
>>> testing.pre_call({"name": "delete_all"}, target="delete_all").refusal.message
'Deleting is not allowed.'
>>> testing.pre_call({"name": "read"}, target="read").decision
'proceed'
"""

import importlib.util
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from sandgate import fault, hooks
from sandgate.border import Fetched, Finding
from sandgate.configured import configured
from sandgate.context import Context
from sandgate.decision import Edit, Refusal
from sandgate.document import Document
from sandgate.glob import glob_matches
from sandgate.json_text import from_json, to_json
from sandgate.settings import Issue, forget
from sandgate.testing.exchange import Exchange
from sandgate.testing.judge import cut, judge
from sandgate.testing.manifest import asks
from sandgate.testing.memory import Memory
from sandgate.testing.recorder import Answer, recorder
from sandgate.testing.stop import Stopped


@dataclass(frozen=True)
class Outcome:
    """What came of a hook run."""

    decision: Literal["proceed", "edit", "replace", "refuse", "answer", "fault"]
    """What the gateway is told."""
    before: Any
    """The document as it was handed over."""
    after: Any
    """The document as it goes on; with `answer`, the result. As it was, where the call is refused or the hook failed."""
    edits: list[Edit]
    """The changes, where there are any."""
    refusal: Refusal | None
    """Why not, where it is refused."""
    fault: str | None
    """What went wrong and where, where the hook failed: the exception's type, or, where the gateway cannot use what the hook
    decided, `malformed` or `quota`."""
    carried: bytes | None
    """The note left for the post-call."""
    findings: list[Finding]
    """What the hook reported."""
    logs: list[tuple[str, str]]
    """Level and text of each line it logged."""


def document(content: Any) -> Document:
    """A document: of a JSON text, where `content` is a str, or of any JSON value."""
    return Document(_memory(content))


def context(method: str = "tools/call", **about: Any) -> Context:
    """A context; `about` as in `pre_call`."""
    return Context(_exchange(method, about))


def configure(given: dict[str, Any] | None = None) -> list[Issue]:
    """Configures the plugin with these settings, and gives what is wrong with them. The gateway has checked them against
    the plugin's schema before; this does not."""
    recorder.configuring = True
    try:
        return configured({} if given is None else given)
    finally:
        recorder.configuring = False


def pre_call(params: Any, method: str = "tools/call", **about: Any) -> Outcome:
    """Runs the `pre_call` hooks. `about` may be `target`, `server`, `direction`, `session`, `principal`, `groups`,
    `definition` and `attributes`. Where no hook is for the method the call proceeds."""
    return _run("pre-call", params, _exchange(method, about))


def post_call(reply: Any, method: str = "tools/call", **about: Any) -> Outcome:
    """Runs the `post_call` hooks. Beside those of `pre_call`, `about` may be `params` (as they were sent), `failed` and
    `carried` (the note of the pre-call)."""
    return _run("post-call", reply, _exchange(method, about))


def findings() -> list[Finding]:
    """The findings since the last time anybody asked."""
    found = list(recorder.findings)
    recorder.findings.clear()
    return found


def rules() -> list[str]:
    """The rules of `findings`."""
    return [finding.rule for finding in findings()]


def logs() -> list[tuple[str, str]]:
    """Level and text of the log lines since the last time anybody asked."""
    lines: list[tuple[str, str]] = list(recorder.logs)
    recorder.logs.clear()
    return lines


def grant_state(granted: bool) -> None:
    """Whether the operator grants `state`; it is granted unless a test says otherwise."""
    recorder.granted = granted


def answer_http(
    url: str,
    *,
    method: str = "GET",
    status: int = 200,
    headers: dict[str, str] | None = None,
    body: bytes = b"",
    delay: float = 0,
    fails: Literal["refused", "cut"] | None = None,
) -> None:
    """What a request to this URL is answered with from here on, as often as it is asked for; any other is refused. `delay`: the
    answer takes so many seconds, for which nobody waits: a request with a shorter `timeout` is `http.TimedOut`. `fails`: there is
    none, and why."""
    fields = [(name, value.encode()) for name, value in (headers or {}).items()]
    recorder.replies[(method.upper(), url)] = Answer(Fetched(status, fields, body), delay, fails)


def clear() -> None:
    """Forgets findings, log lines, state and replies."""
    recorder.clear()


def load(file: str | Path) -> ModuleType:
    """Loads a plugin's source anew, and forgets the one before: one process holds one plugin."""
    path = Path(file)
    hooks.plugin.clear()
    forget()
    recorder.clear()
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python source")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    sys.path.insert(0, str(path.parent))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(path.parent))
    return module


def _run(kind: hooks.Kind, content: Any, exchange: Exchange) -> Outcome:
    memory = _memory(content)
    before = from_json(memory.json())
    recorder.begin()
    decision: Literal["proceed", "edit", "replace", "refuse", "answer", "fault"] = "proceed"
    after, edits, refusal, failed = before, [], None, None
    asked = asks()
    marked = [hook for hook in hooks.plugin.of(kind) if any(glob_matches(event, exchange.method_) for event in hook.events)]
    # A gateway runs no hook of a plugin that is not configured.
    wrong = configure() if marked and not hooks.plugin.configured else []
    if wrong:
        decision, failed = "fault", "\n".join(f"its settings are not accepted: {one.pointer or 'all'}: {one.message}" for one in wrong)
        hooks.plugin.configured = False
    elif marked:
        recorder.asks = asked
        try:
            decided = hooks.decide(kind, Context(exchange), Document(memory))
            if recorder.stopped is not None:
                raise recorder.stopped
            request = not exchange.method_.startswith("notifications/")
            decision, after = judge(marked[0].role, memory, decided, request=request, failed=exchange.failed_)
            if isinstance(decided, list):
                edits = decided
            elif isinstance(decided, Refusal):
                refusal = cut(decided)
        except (Exception, Stopped, SystemExit) as error:
            decision, failed = "fault", _told(recorder.stopped or error)
        finally:
            recorder.asks = None
    return Outcome(decision, before, after, edits, refusal, failed, exchange.note, findings(), logs())


def _told(error: BaseException) -> str:
    function = hooks.plugin.running or hooks.decide
    told = fault.told(error, function)
    if isinstance(error, Stopped):
        told = fault.Fault(error.kind, told.frames, error.says)
    return str(told)


def _memory(content: Any) -> Memory:
    return Memory(content if isinstance(content, str) else to_json(content))


def _exchange(method: str, about: dict[str, Any]) -> Exchange:
    exchange = Exchange(method)
    for name, value in about.items():
        if name == "groups":
            exchange.attributes["groups"] = to_json(value)
        elif name == "attributes":
            exchange.attributes.update(value)
        elif name == "params":
            exchange.params_ = _memory(value)
        elif name == "definition":
            exchange.definition_ = value if isinstance(value, str) else to_json(value)
        elif name == "carried":
            exchange.carried_ = value
        elif name in ("target", "server", "direction", "session", "principal", "failed"):
            setattr(exchange, f"{name}_", value)
        else:
            raise TypeError(f"{name}: a context has no such thing")
    return exchange
