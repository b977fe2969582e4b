"""HTTP requests, to the hosts that the operator grants. The manifest asks for them:

    [asks]
    http = { hosts = ["api.example.com"], why = "looks up what it is asked about" }

A request takes of the hook's own time and is cut with it, unless its own `timeout` is shorter: then it is `TimedOut`, and the hook
can still decide. Nothing is retried and no redirect is followed. In tests, `testing.answer_http` says what comes back.

>>> from sandgate import http, testing
>>> testing.answer_http("https://api.example.com/v1?q=1", body=b'{"known": true}')
>>> reply = http.get("https://api.example.com/v1?q=1")
>>> reply.status, reply.json()
(200, {'known': True})
>>> testing.answer_http("https://api.example.com/slow", delay=1)
>>> http.get("https://api.example.com/slow", timeout=0.2)
Traceback (most recent call last):
  ...
sandgate.http.TimedOut: HTTP-response-timeout
>>> http.post("https://elsewhere.example/", b"x")
Traceback (most recent call last):
  ...
sandgate.http.Refused: connection-refused
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from sandgate.border import Fetched, gateway
from sandgate.json_text import from_json, utf8

LIMIT = 1 << 20
"""Bytes of a reply's body, unless a request says otherwise."""


class Failure(Exception):
    """There is no reply. Its text is WASI's word for why, for example `connection-refused`."""


class Denied(Failure):
    """The operator has not granted this host, or the manifest does not ask for http."""


class TooLarge(Failure):
    """The reply's body is larger than the request's `limit`."""


class TimedOut(Failure):
    """The reply took longer than the request's `timeout`, or connecting longer than it may."""


class Refused(Failure):
    """Nobody takes the connection: there is no such host, or nothing listens there."""


class Cut(Failure):
    """The connection ended before the reply did."""


_KINDS: dict[str, type[Failure]] = {
    "DNS-timeout": TimedOut,
    "connection-timeout": TimedOut,
    "connection-read-timeout": TimedOut,
    "connection-write-timeout": TimedOut,
    "HTTP-response-timeout": TimedOut,
    "DNS-error": Refused,
    "destination-not-found": Refused,
    "destination-unavailable": Refused,
    "destination-IP-unroutable": Refused,
    "connection-refused": Refused,
    "connection-terminated": Cut,
    "HTTP-response-incomplete": Cut,
}


def failure(word: str) -> Failure:
    """What WASI's word for it is raised as."""
    if word == "HTTP-request-denied":
        return Denied("the operator has not granted this host")
    return _KINDS.get(word, Failure)(word)


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, whatever its status."""

    status: int
    headers: Mapping[str, str]
    """By name in small letters; those of one name are joined by `, `."""
    body: bytes

    def text(self) -> str:
        """The body, as UTF-8; what is none is replaced."""
        return self.body.decode(errors="replace")

    def json(self) -> Any:
        """The body, as JSON; `ValueError` where it is none."""
        return from_json(self.body.decode())


def get(
    url: str, *, headers: Mapping[str, str] | None = None, limit: int = LIMIT, timeout: float | None = None
) -> Reply:
    """Asks for what is there."""
    return request("GET", url, headers=headers, limit=limit, timeout=timeout)


def post(
    url: str,
    body: bytes | str,
    *,
    headers: Mapping[str, str] | None = None,
    limit: int = LIMIT,
    timeout: float | None = None,
) -> Reply:
    """Sends something there."""
    return request("POST", url, headers=headers, body=body, limit=limit, timeout=timeout)


def request(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes | str = b"",
    limit: int = LIMIT,
    timeout: float | None = None,
) -> Reply:
    """Any other method; `body` as it is, or as UTF-8. `timeout`: seconds from now to the reply's last byte, as many as the hook
    has unless set."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise ValueError("url: begins with http:// or https:// and a host")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    fields = [(name, utf8(value, name).encode()) for name, value in (headers or {}).items()]
    content = body.encode() if isinstance(body, str) else bytes(body)
    fetched: Fetched = gateway().fetch(method, parts.scheme, parts.netloc, path, fields, content, limit, timeout)
    joined: dict[str, str] = {}
    for name, value in fetched.headers:
        low, text = name.lower(), value.decode(errors="replace")
        joined[low] = f"{joined[low]}, {text}" if low in joined else text
    return Reply(fetched.status, joined, fetched.body)
