"""The other side of the border in memory: what hooks reported, and a state."""

import time

from sandgate import state
from sandgate.border import Fetched, Finding, Level


class Recorder:
    """Keeps what it is told until somebody asks."""

    def __init__(self) -> None:
        self.logs: list[tuple[Level, str]] = []
        self.findings: list[Finding] = []
        self.granted = True
        self.replies: dict[tuple[str, str], Fetched] = {}
        self._state: dict[str, tuple[bytes, float | None]] = {}

    def clear(self) -> None:
        """Forgets everything, the state too."""
        self.logs.clear()
        self.findings.clear()
        self.replies.clear()
        self._state.clear()
        self.granted = True

    def log(self, level: Level, message: str) -> None:
        self.logs.append((level, message))

    def find(self, finding: Finding) -> None:
        self.findings.append(finding)

    def get(self, key: str) -> bytes | None:
        self._check()
        value, until = self._state.get(key, (None, None))
        return None if until is not None and time.monotonic() >= until else value

    def set(self, key: str, value: bytes, ttl_ms: int | None) -> None:
        self._check()
        self._state[key] = (value, None if ttl_ms is None else time.monotonic() + ttl_ms / 1000)

    def delete(self, key: str) -> None:
        self._check()
        self._state.pop(key, None)

    def increment(self, key: str, by: int, ttl_ms: int | None) -> int:
        before = self.get(key)
        if before is not None and len(before) != 8:
            raise state.Unavailable(f"{key!r} holds no counter")
        total = by + (0 if before is None else int.from_bytes(before, "little", signed=True))
        if not -(2**63) <= total < 2**63:
            raise state.Unavailable(f"{key!r} overflows")
        value = total.to_bytes(8, "little", signed=True)
        if before is None:
            self.set(key, value, ttl_ms)
        else:
            # The window stays where it is.
            self._state[key] = (value, self._state[key][1])
        return total

    def compare_and_set(self, key: str, expected: bytes | None, value: bytes, ttl_ms: int | None) -> bool:
        stands = self.get(key) == expected
        if stands:
            self.set(key, value, ttl_ms)
        return stands

    def fetch(
        self, method: str, scheme: str, authority: str, path: str, headers: list[tuple[str, bytes]], body: bytes, limit: int
    ) -> Fetched:
        from sandgate import http

        reply = self.replies.get((method.upper(), f"{scheme}://{authority}{path}"))
        if reply is None:
            # As a fixture without this answer has it.
            raise http.Failure("internal-error")
        if len(reply.body) > limit:
            raise http.TooLarge(f"the reply has more than {limit} bytes")
        return reply

    def _check(self) -> None:
        if not self.granted:
            raise state.Denied("the operator has not granted state")


recorder = Recorder()
"""The one there is."""
