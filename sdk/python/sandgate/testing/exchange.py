"""A context in memory."""

from dataclasses import dataclass, field

from sandgate.testing.memory import Memory
from sandgate.testing.recorder import recorder
from sandgate.testing.stop import over

_NOTE = 64 << 10
"""Bytes of a note."""


@dataclass
class Exchange:
    """The contract's resource `context`."""

    method_: str
    target_: str | None = None
    server_: str = "server"
    direction_: str = "client-to-server"
    session_: str | None = None
    principal_: str | None = None
    definition_: str | None = None
    params_: Memory | None = None
    failed_: bool = False
    carried_: bytes | None = None
    note: bytes | None = None
    """What this run leaves for the post-call."""
    attributes: dict[str, str] = field(default_factory=lambda: {"groups": "[]"})

    def id(self) -> str:
        return "test"

    def method(self) -> str:
        return self.method_

    def direction(self) -> str:
        return self.direction_

    def server(self) -> str:
        return self.server_

    def target(self) -> str | None:
        return self.target_

    def session(self) -> str | None:
        return self.session_

    def principal(self) -> str | None:
        return self.principal_

    def definition(self) -> str | None:
        return self.definition_

    def params(self) -> Memory | None:
        return self.params_

    def failed(self) -> bool:
        return self.failed_

    def remaining_us(self) -> int:
        return 1_000_000

    def carry(self, note: bytes) -> None:
        if len(note) > _NOTE:
            recorder.stop(over("bytes carried to the post-call"))
        self.note = note

    def carried(self) -> bytes | None:
        return self.carried_

    def attribute(self, name: str) -> str | None:
        return self.attributes.get(name)
