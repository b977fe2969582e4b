"""Who calls what, as the gateway established it."""

from functools import cached_property
from typing import Any, Protocol

from sandgate.document import Document, Source
from sandgate.json_text import from_json


class Exchange(Protocol):
    """What a context asks; the contract's resource `context`."""

    def id(self) -> str: ...
    def method(self) -> str: ...
    def direction(self) -> str: ...
    def server(self) -> str: ...
    def target(self) -> str | None: ...
    def session(self) -> str | None: ...
    def principal(self) -> str | None: ...
    def definition(self) -> str | None: ...
    def params(self) -> Source | None: ...
    def failed(self) -> bool: ...
    def remaining_us(self) -> int: ...
    def carry(self, note: bytes) -> None: ...
    def carried(self) -> bytes | None: ...
    def attribute(self, name: str) -> str | None: ...


class Context:
    """The exchange that a hook looks at. Each answer is asked of the gateway once.

    >>> from sandgate.testing import context
    >>> ctx = context("tools/call", target="lookup", groups=["staff"])
    >>> ctx.target, ctx.principal, ctx.groups
    ('lookup', None, ['staff'])
    """

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    @cached_property
    def id(self) -> str:
        """The same for the request and its reply, and in the call log."""
        return self._exchange.id()

    @cached_property
    def method(self) -> str:
        """MCP method, for example `tools/call`."""
        return self._exchange.method()

    @cached_property
    def direction(self) -> str:
        """`client-to-server` or `server-to-client`."""
        return self._exchange.direction()

    @cached_property
    def server(self) -> str:
        """The server's name in the gateway's configuration."""
        return self._exchange.server()

    @cached_property
    def target(self) -> str | None:
        """Tool or prompt name or resource URI, by the server's own name for it."""
        return self._exchange.target()

    @cached_property
    def session(self) -> str | None:
        """A keyed pseudonym of the conversation, where the protocol has one."""
        return self._exchange.session()

    @cached_property
    def principal(self) -> str | None:
        """The authenticated caller; None when anonymous."""
        return self._exchange.principal()

    @cached_property
    def definition(self) -> Any:
        """The definition the server gave of the target (description, schemas, annotations), parsed; None where the
        gateway has none."""
        text = self._exchange.definition()
        return None if text is None else from_json(text)

    @cached_property
    def params(self) -> Document | None:
        """In a post-call: the params as they were sent; None where the gateway cannot know them."""
        source = self._exchange.params()
        return None if source is None else Document(source)

    @cached_property
    def failed(self) -> bool:
        """In a post-call: the reply is a JSON-RPC error, and the document is the error object."""
        return self._exchange.failed()

    @property
    def remaining(self) -> float:
        """Seconds left for this hook run."""
        return self._exchange.remaining_us() / 1_000_000

    def carry(self, note: bytes) -> None:
        """Leaves a note for this interceptor's post-call of the same exchange, which runs in another instance: nothing
        else that a hook keeps in Python is there."""
        if not isinstance(note, bytes):
            raise TypeError(f"note: bytes are wanted, not {type(note).__name__}")
        self._exchange.carry(note)

    @cached_property
    def carried(self) -> bytes | None:
        """The note that this interceptor's pre-call left."""
        return self._exchange.carried()

    def attribute(self, name: str) -> str | None:
        """Anything else by name, for example `client.name`, `protocol.version`."""
        return self._exchange.attribute(name)

    @cached_property
    def groups(self) -> list[str]:
        """The caller's groups."""
        text = self._exchange.attribute("groups")
        return [] if text is None else list(from_json(text))
