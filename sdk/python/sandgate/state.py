"""Memory between calls, scoped to this interceptor and shared by everything that runs it. Without the grant every function
raises `Denied`.

>>> from sandgate import state
>>> state.set("seen", b"1", ttl=60)
>>> state.get("seen")
b'1'
>>> state.increment("calls"), state.increment("calls", 2)
(1, 3)
"""

from datetime import timedelta

from sandgate.border import gateway
from sandgate.json_text import utf8

TTL = float | timedelta | None
"""Seconds, or a `timedelta`; None: until it is deleted."""


class Failure(Exception):
    """The state does not do what it was asked to."""


class Denied(Failure):
    """The operator has not granted `state`."""


class Quota(Failure):
    """There is no room for more."""


class Unavailable(Failure):
    """It cannot be done now, or not with this value."""


def get(key: str) -> bytes | None:
    """What stands under a key."""
    return gateway().get(utf8(key, "key"))


def set(key: str, value: bytes, *, ttl: TTL = None) -> None:
    """Puts a value there, for that long from now."""
    gateway().set(utf8(key, "key"), _bytes(value), _milliseconds(ttl))


def delete(key: str) -> None:
    """Nothing stands there any more; nothing having stood there is no failure."""
    gateway().delete(utf8(key, "key"))


def increment(key: str, by: int = 1, *, ttl: TTL = None) -> int:
    """Adds to a counter and gives what it comes to. The TTL is set when the counter is made and not moved afterwards, so a
    counter is a window."""
    if not -(2**63) <= by < 2**63:
        raise OverflowError("by: 64 bits at most")
    return gateway().increment(utf8(key, "key"), by, _milliseconds(ttl))


def compare_and_set(key: str, expected: bytes | None, value: bytes, *, ttl: TTL = None) -> bool:
    """Sets only where `expected` (None: nothing) still stands; False where it does not."""
    was = None if expected is None else _bytes(expected)
    return gateway().compare_and_set(utf8(key, "key"), was, _bytes(value), _milliseconds(ttl))


def _bytes(value: bytes) -> bytes:
    if not isinstance(value, bytes):
        raise TypeError(f"value: bytes are wanted, not {type(value).__name__}")
    return value


def _milliseconds(ttl: TTL) -> int | None:
    if ttl is None:
        return None
    seconds = ttl.total_seconds() if isinstance(ttl, timedelta) else ttl
    if not 0 <= seconds < 2**53:
        raise ValueError("ttl: seconds from 0")
    return int(seconds * 1000)
