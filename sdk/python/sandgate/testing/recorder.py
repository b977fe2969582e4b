"""The other side of the border in memory: what hooks reported, and a state."""

import time
from dataclasses import dataclass, replace
from typing import Literal, NoReturn

from sandgate import state
from sandgate.border import Fetched, Finding, Level
from sandgate.testing.stop import Stopped, over

_FINDINGS = 256
"""Findings of one run; one more says that the rest is left out."""
_TEXT = 1 << 10
"""Bytes of one text of a finding, or of a line; the rest is cut off."""
_DETAILS = 4 << 10
"""Bytes of a finding's details."""
_LOG = 32 << 10
"""Bytes of all lines of one run."""
_KEY, _VALUE = 1 << 10, 1 << 20
"""Bytes of a key and of a value of the state."""
_KEYS, _STATE = 1 << 16, 16 << 20
"""Keys of the state, and bytes of all keys and values."""


@dataclass
class Answer:
    """What a request brings back."""

    reply: Fetched
    delay: float
    """Seconds."""
    fails: Literal["refused", "cut"] | None


class Recorder:
    """Keeps what it is told until somebody asks."""

    def __init__(self) -> None:
        self.logs: list[tuple[Level, str]] = []
        self.findings: list[Finding] = []
        self.granted = True
        self.configuring = False
        self.asks: set[str] | None = None
        """What the manifest of the plugin that runs asks for; None: there is none."""
        self.stopped: Stopped | None = None
        """Why the run is stopped: it has failed, whatever the hook makes of it."""
        self._logged = 0
        self.replies: dict[tuple[str, str], Answer] = {}
        self._state: dict[str, tuple[bytes, float | None]] = {}

    def clear(self) -> None:
        """Forgets everything, the state too."""
        self.logs.clear()
        self.findings.clear()
        self.replies.clear()
        self._state.clear()
        self.granted = True

    def begin(self) -> None:
        """A run begins: what the one before reported is forgotten."""
        self.logs.clear()
        self.findings.clear()
        self.stopped = None
        self._logged = 0

    def stop(self, why: Stopped) -> NoReturn:
        """Ends the run."""
        self.stopped = self.stopped or why
        raise why

    def log(self, level: Level, message: str) -> None:
        if self._logged > _LOG:
            return
        self._logged += min(len(message.encode()), _TEXT) + 16
        over_ = self._logged > _LOG
        self.logs.append((level, "… (the rest of this run's log is left out)" if over_ else _cut(message)))

    def find(self, finding: Finding) -> None:
        if len(self.findings) >= _FINDINGS:
            if len(self.findings) == _FINDINGS:
                words = f"more than {_FINDINGS} findings; the rest is left out"
                self.findings.append(Finding("sandgate.findings-cut", "warn", "params", None, words, None))
            return
        if finding.details is not None and len(finding.details.encode()) > _DETAILS:
            self.stop(over("bytes of a finding's details"))
        pointer = None if finding.pointer is None else _cut(finding.pointer)
        self.findings.append(replace(finding, rule=_cut(finding.rule), message=_cut(finding.message), pointer=pointer))

    def get(self, key: str) -> bytes | None:
        self._check()
        value, until = self._state.get(key, (None, None))
        return None if until is not None and time.monotonic() >= until else value

    def set(self, key: str, value: bytes, ttl_ms: int | None) -> None:
        self._check()
        others = [(name, kept) for name, (kept, _) in self._state.items() if name != key and self.get(name) is not None]
        bytes_ = sum(len(name.encode()) + len(kept) for name, kept in [*others, (key, value)])
        if len(key.encode()) > _KEY or len(value) > _VALUE or len(others) >= _KEYS or bytes_ > _STATE:
            raise state.Quota("no room for more")
        self._state[key] = (value, None if ttl_ms is None else time.monotonic() + ttl_ms / 1000)

    def delete(self, key: str) -> None:
        self._check()
        self._state.pop(key, None)

    def increment(self, key: str, by: int, ttl_ms: int | None) -> int:
        before = self.get(key)
        if before is not None and len(before) != 8:
            raise state.Unavailable("the value is no counter")
        total = by + (0 if before is None else int.from_bytes(before, "little", signed=True))
        if not -(2**63) <= total < 2**63:
            raise state.Unavailable("the counter is full")
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
        self,
        method: str,
        scheme: str,
        authority: str,
        path: str,
        headers: list[tuple[str, bytes]],
        body: bytes,
        limit: int,
        timeout: float | None,
    ) -> Fetched:
        from sandgate import http

        if self.asks is not None and "http" not in self.asks:
            raise http.Denied("plugin.toml does not ask for http: add it to [asks]")
        if self.configuring:
            raise http.Denied("configure only computes from its settings: ask in a hook")
        # As a fixture without this answer has it.
        answer = self.replies.get((method.upper(), f"{scheme}://{authority}{path}"), Answer(Fetched(0, [], b""), 0, "refused"))
        # Nobody waits for it.
        if timeout is not None and timeout <= answer.delay:
            raise http.failure("HTTP-response-timeout")
        if answer.fails is not None:
            raise http.failure("connection-refused" if answer.fails == "refused" else "HTTP-response-incomplete")
        if len(answer.reply.body) > limit:
            raise http.TooLarge(f"the reply has more than {limit} bytes")
        return answer.reply

    def _check(self) -> None:
        if self.asks is not None and "state" not in self.asks:
            raise state.Denied("plugin.toml does not ask for state: add it to [asks]")
        if not self.granted or self.configuring:
            raise state.Denied("the operator has not granted state")


def _cut(text: str) -> str:
    data = text.encode()
    return text if len(data) <= _TEXT else data[:_TEXT].decode(errors="ignore") + "…"


recorder = Recorder()
"""The one there is."""
