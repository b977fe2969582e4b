"""The exports of a component: from the contract to the marked functions and back. Imported in components only."""

import os
import sys
import weakref
from collections.abc import Callable
from typing import Any

from componentize_py_types import Err
from wit_world.exports import settings as wit_settings
from wit_world.imports import call, report
from wit_world.imports import decision as wit
from wit_world.imports import log as wit_log
from wit_world.imports import state as wit_state

from sandgate import border, fault, hooks, state, still
from sandgate.configured import configured
from sandgate.context import Context
from sandgate.decision import Answer, Edit, Refusal, Remove, Replacement, Set
from sandgate.document import Document
from sandgate.json_text import from_json
from sandgate.settings import Issue


def configure_plugin(settings: Any) -> None:
    """Configures the plugin, or tells what is wrong."""
    function = hooks.plugin.configure
    _stand_at(function)
    try:
        issues = configured(settings)
    except BaseException as error:  # `SystemExit` too: it would end the run without a word
        issues = [Issue("", str(fault.told(error, function or configured)))]
    let_out()
    if issues:
        raise Err([wit_settings.Issue(issue.pointer, issue.message) for issue in issues])


class Settings:
    """The export `settings`."""

    def configure(self, settings: str) -> None:
        configure_plugin(from_json(settings))
        # What stands now is there at the start of every run.
        _walk()
        still.settle(deeply=False)
        still.fill()


class PreCall:
    """The export `pre-call`."""

    def handle(self, context: call.Context, params: call.Document) -> wit.PreDecision:
        decided = _run("pre-call", context, params)
        if isinstance(decided, list):
            return wit.PreDecision_Edit([_edit(edit) for edit in decided]) if decided else wit.PreDecision_Proceed()
        if isinstance(decided, Refusal):
            return wit.PreDecision_Refuse(_refusal(decided))
        if isinstance(decided, Answer):
            return wit.PreDecision_Answer(decided.json)
        return wit.PreDecision_Replace(decided.json)


class PostCall:
    """The export `post-call`."""

    def handle(self, context: call.Context, reply: call.Document) -> wit.PostDecision:
        decided = _run("post-call", context, reply)
        if isinstance(decided, list):
            return wit.PostDecision_Edit([_edit(edit) for edit in decided]) if decided else wit.PostDecision_Proceed()
        if isinstance(decided, Refusal):
            return wit.PostDecision_Refuse(_refusal(decided))
        return wit.PostDecision_Replace(decided.json)


def _run(kind: hooks.Kind, context: call.Context, document: call.Document) -> Refusal | Answer | Replacement | list[Edit]:
    ctx, doc = Context(context), Document(document)
    _stand_at(next((hook.function for hook in hooks.plugin.of(kind)), None))
    try:
        _reseed()
        return hooks.decide(kind, ctx, doc)
    except BaseException as error:  # `SystemExit` too: it would end the run without a word
        function = hooks.plugin.running or hooks.decide
        told = fault.told(error, function)
        raise Err(wit.Fault(told.kind, told.frames, told.detail)) from None
    finally:
        let_out()


def let_out() -> None:
    """What was printed leaves: nothing else will let it out, since the instance is thrown away."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:  # The plugin may have put anything there, and the run does not depend on it.
            pass


def _stand_at(function: Callable[..., Any] | None) -> None:
    """Leaves the author's line with the host: where a run ends without a word (its time is over, or the stack of the engine),
    that is what is known of it."""
    if function is not None:
        report.last_words(wit.Fault("", [fault.definition(function)], ""))


def _reseed() -> None:
    # Seeded when the component was made, and the same for everybody ever after.
    random = sys.modules.get("random")
    if random is not None:
        random.seed(int.from_bytes(os.urandom(16)))


def _edit(edit: Edit) -> wit.Edit:
    if isinstance(edit, Set):
        return wit.Edit_Set((edit.pointer, edit.json))
    if isinstance(edit, Remove):
        return wit.Edit_Remove(edit.pointer)
    return wit.Edit_Text((edit.index, edit.text))


def _refusal(refusal: Refusal) -> wit.Refusal:
    return wit.Refusal(refusal.code, refusal.message, refusal.pointer, refusal.details)


class _Gateway:
    def log(self, level: border.Level, message: str) -> None:
        wit_log.log(wit_log.Level[level.upper()], message)

    def find(self, finding: border.Finding) -> None:
        report.find(
            report.Finding(
                finding.rule,
                report.Severity[finding.severity.upper()],
                report.Part[finding.part.upper()],
                finding.pointer,
                finding.message,
                finding.details,
            )
        )

    def get(self, key: str) -> bytes | None:
        value: bytes | None = _answered(wit_state.get, key)
        return value

    def set(self, key: str, value: bytes, ttl_ms: int | None) -> None:
        _answered(wit_state.set, key, value, ttl_ms)

    def delete(self, key: str) -> None:
        _answered(wit_state.delete, key)

    def increment(self, key: str, by: int, ttl_ms: int | None) -> int:
        total: int = _answered(wit_state.increment, key, by, ttl_ms)
        return total

    def compare_and_set(self, key: str, expected: bytes | None, value: bytes, ttl_ms: int | None) -> bool:
        stood: bool = _answered(wit_state.compare_and_set, key, expected, value, ttl_ms)
        return stood


    def fetch(
        self,
        method: str,
        scheme: str,
        authority: str,
        path: str,
        headers: list[tuple[str, bytes]],
        body: bytes,
        limit: int,
        timeout: float | None,
    ) -> border.Fetched:
        # There where the manifest asks for http, and nothing of it otherwise.
        http = sys.modules.get("sandgate.component_http")
        if http is None:
            from sandgate.http import Denied

            raise Denied("plugin.toml does not ask for http: add it to [asks]")
        fetched: border.Fetched = http.fetch(method, scheme, authority, path, headers, body, limit, timeout)
        return fetched


def _answered(ask: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return ask(*arguments)
    except Err as error:
        failure = error.value
    if isinstance(failure, wit_state.Failure_Denied):
        raise state.Denied("the operator has not granted state")
    if isinstance(failure, wit_state.Failure_Quota):
        raise state.Quota("no room for more")
    raise state.Unavailable(failure.value)


class _Nobody:
    """An exchange and a document for a walk that nobody sees."""

    def method(self) -> str:
        return "tools/call"

    def texts(self) -> call.TextRun:
        return call.TextRun("a\nb", [1, 3])


_WALKS = 20
"""Python changes a function's code for what it meets in it after a few runs."""


def _walk() -> None:
    """Goes the way of a run with hooks that are nobody's: what Python learns of the package's own functions in running them
    is known to every run then, and no run has to write it down again."""
    nobody: Any = _Nobody()
    for resource in (call.Context, call.Document):
        for name in dir(resource):
            getattr(resource, name)
    author = hooks.plugin.hooks
    try:
        hooks.plugin.hooks = [hooks.Hook(kind, _upper, ("tools/call",), "mutation") for kind in _KINDS]
        for _ in range(_WALKS):
            PreCall().handle(nobody, nobody)
            PostCall().handle(nobody, nobody)
            # As the contract's resources have one each; the first of all imports a module.
            weakref.finalize(_Nobody(), str).detach()
    finally:
        hooks.plugin.hooks = author
        hooks.plugin.running = None


_KINDS: tuple[hooks.Kind, ...] = ("pre-call", "post-call")


def _upper(ctx: Context, document: Document) -> None:
    if ctx.method:
        document.map_texts(str.upper)


border.connect(_Gateway())
