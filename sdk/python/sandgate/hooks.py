"""The decorators, and how a hook run goes through the functions that they marked."""

import inspect
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from sandgate import decision
from sandgate.context import Context
from sandgate.decision import Answer, Edit, PostDecision, PreDecision, Refusal, Replacement
from sandgate.document import Document
from sandgate.fault import Misuse
from sandgate.glob import glob_matches

Kind = Literal["pre-call", "post-call"]
Role = Literal["validation", "mutation"]
Pre = TypeVar("Pre", bound=Callable[[Context, Document], PreDecision])
Post = TypeVar("Post", bound=Callable[[Context, Document], PostDecision])
Configure = TypeVar("Configure", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Hook:
    """One marked function."""

    kind: Kind
    function: Callable[[Context, Document], Any]
    events: tuple[str, ...]
    role: Role


@dataclass(slots=True)
class Plugin:
    """What the module being loaded has marked so far."""

    hooks: list[Hook] = field(default_factory=list)
    configure: Callable[..., Any] | None = None
    configured: bool = False
    """Whether its settings are in place and its configure function ran."""
    running: Callable[..., Any] | None = None
    """The marked function that ran last: what is wrong with its outcome is told of it."""

    def of(self, kind: Kind) -> list[Hook]:
        """The hooks of a kind, in the order they stand in the source."""
        return [hook for hook in self.hooks if hook.kind == kind]

    def clear(self) -> None:
        """Nothing is marked any more; for tests that load one plugin after another."""
        self.hooks.clear()
        self.configure = None
        self.configured = False
        self.running = None


plugin = Plugin()
"""The one plugin: a component is one."""


def pre_call(*events: str, type: Role = "validation") -> Callable[[Pre], Pre]:
    """Marks a function that runs before a request or notification goes on. `events` are MCP methods, `*` standing for
    any characters. It is a validation unless `type="mutation"` says that it changes something; a validation sees the
    final bytes and may only refuse.

    >>> from sandgate import pre_call, testing
    >>> @pre_call("prompts/get", type="mutation")
    ... def tidy(ctx, params):
    ...     params.map_texts(str.strip)
    >>> testing.pre_call({"name": " x "}, method="prompts/get").after
    {'name': 'x'}
    """
    return _mark("pre-call", events, type)


def post_call(*events: str, type: Role = "mutation") -> Callable[[Post], Post]:
    """Marks a function that runs on the reply, before its asker sees it. It is a mutation unless `type="validation"` says
    that it only judges."""
    return _mark("post-call", events, type)


def configure(function: Configure) -> Configure:
    """Marks the function that runs once, when the gateway prepares the plugin, after the settings are in place: every
    later run starts from the memory it left. It sees nothing but the settings; time and randomness are fixed. What can be
    computed ahead belongs here. It may return `Issues`.

    >>> from dataclasses import dataclass
    >>> from sandgate import Issues, configure, settings, testing
    >>> @dataclass
    ... class Settings:
    ...     words: tuple[str, ...] = ()
    >>> given = settings(Settings)
    >>> @configure
    ... def prepare():
    ...     issues = Issues()
    ...     for index, word in enumerate(given.words):
    ...         if not word:
    ...             issues.add(f"/words/{index}", "an empty word would match everywhere: leave it out")
    ...     return issues
    >>> testing.configure({"words": ["a", ""]})
    [Issue(pointer='/words/1', message='an empty word would match everywhere: leave it out')]
    """
    if plugin.configure is not None:
        raise TypeError(f"{_where(function)} is a second @configure; a plugin has one")
    words = f"@configure calls it with none: def {_name(function)}(). The settings are what settings(...) returned"
    _check_takes(function, 0, words)
    plugin.configure = function
    return function


def decide(kind: Kind, ctx: Context, document: Document) -> Refusal | Answer | Replacement | list[Edit]:
    """One hook run: each marked function that is for this method, in the order of the source. The first that decides
    something ends it; a refusal drops what was changed."""
    decision.made.clear()
    hooks = plugin.of(kind)
    if len(hooks) > 1:
        hooks = [hook for hook in hooks if any(glob_matches(event, ctx.method) for event in hook.events)]
    for hook in hooks:
        plugin.running = hook.function
        result = hook.function(ctx, document)
        if decision.made and not isinstance(result, Refusal):
            raise Misuse("refuse(...) was called and its value not returned: write `return refuse(...)`")
        if result is None:
            continue
        wanted = (Refusal, Answer, Replacement) if kind == "pre-call" else (Refusal, Replacement)
        if isinstance(result, wanted):
            return result
        words = "refuse(...), replace(...)" + (", answer(...)" if kind == "pre-call" else "")
        raise Misuse(f"a {kind} hook returns nothing, {words}; not {result.__class__.__name__}")
    return document.edits()


def _mark(kind: Kind, events: tuple[str, ...], role: Role) -> Callable[[Any], Any]:
    name = kind.replace("-", "_")
    if not events or not all(isinstance(event, str) and event for event in events):
        raise TypeError(f'{name}: name the MCP methods it is for, for example @{name}("tools/call")')
    if role not in ("validation", "mutation"):
        raise TypeError(f'{name}: type is "validation" or "mutation"')

    def mark(function: Any) -> Any:
        if inspect.iscoroutinefunction(function):
            raise TypeError(f"{_where(function)} is async; a hook is an ordinary function")
        document = "params" if kind == "pre-call" else "reply"
        _check_takes(function, 2, f"a {name} hook is called with two: def {_name(function)}(ctx, {document})")
        plugin.hooks.append(Hook(kind, function, events, role))
        return function

    return mark


def _check_takes(function: Callable[..., Any], count: int, otherwise: str) -> None:
    """Raises where a function cannot be called with so many arguments."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # A built-in function tells nothing of its parameters.
        return
    try:
        signature.bind(*[None] * count)
    except TypeError:
        takes = len(signature.parameters)
        parameters = "1 parameter" if takes == 1 else f"{takes} parameters"
        raise TypeError(f"{_where(function)} takes {parameters}; {otherwise}") from None


def _where(function: Callable[..., Any]) -> str:
    code = getattr(function, "__code__", None)
    return _name(function) if code is None else f"{os.path.basename(code.co_filename)}:{code.co_firstlineno}: {_name(function)}"


def _name(function: Callable[..., Any]) -> str:
    return str(getattr(function, "__name__", "hook"))
