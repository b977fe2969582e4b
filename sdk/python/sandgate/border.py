"""What a plugin reaches beside its document: the contract's imports, or their double where there is no gateway."""

from dataclasses import dataclass
from typing import Literal, Protocol

Severity = Literal["info", "warn", "error"]
Part = Literal["params", "reply"]
Level = Literal["trace", "debug", "info", "warn", "error"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What a hook noticed. Made by `sandgate.finding`."""

    rule: str
    severity: Severity
    part: Part
    pointer: str | None
    message: str
    details: str | None


@dataclass(frozen=True, slots=True)
class Fetched:
    """A reply over HTTP, as it came."""

    status: int
    headers: list[tuple[str, bytes]]
    body: bytes


class Gateway(Protocol):
    """The imports."""

    def log(self, level: Level, message: str) -> None: ...
    def find(self, finding: Finding) -> None: ...
    def get(self, key: str) -> bytes | None: ...
    def set(self, key: str, value: bytes, ttl_ms: int | None) -> None: ...
    def delete(self, key: str) -> None: ...
    def increment(self, key: str, by: int, ttl_ms: int | None) -> int: ...
    def compare_and_set(self, key: str, expected: bytes | None, value: bytes, ttl_ms: int | None) -> bool: ...
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
    ) -> Fetched: ...


_gateway: Gateway | None = None


def gateway() -> Gateway:
    """The other side: the real one in a component, the double of `sandgate.testing` elsewhere."""
    global _gateway
    if _gateway is None:
        from sandgate.testing.recorder import recorder

        _gateway = recorder
    return _gateway


def connect(other: Gateway) -> None:
    """Says what the other side is."""
    global _gateway
    _gateway = other
