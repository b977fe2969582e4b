"""Requests by the world's own imports. Imported in components only, and only where the manifest asks for http."""

from typing import Any

from componentize_py_types import Err, Ok
from wit_world.imports import monotonic_clock, outgoing_handler, poll, streams, types

from sandgate.border import Fetched
from sandgate.http import TimedOut, TooLarge, failure

_AT_ONCE = 64 << 10
# What one write takes.
_WRITE = 4096
_METHODS: dict[str, type[Any]] = {
    "GET": types.Method_Get,
    "HEAD": types.Method_Head,
    "POST": types.Method_Post,
    "PUT": types.Method_Put,
    "DELETE": types.Method_Delete,
    "OPTIONS": types.Method_Options,
    "PATCH": types.Method_Patch,
}


class _Deadline:
    """When a request is given up."""

    def __init__(self, timeout: float | None) -> None:
        self.timer = None if timeout is None else monotonic_clock.subscribe_duration(max(0, int(timeout * 1e9)))

    def wait(self, ready: poll.Pollable) -> None:
        """Waits until it is ready, and gives it back."""
        with ready:
            if self.timer is None:
                ready.block()
            elif 0 not in poll.poll([ready, self.timer]):
                raise TimedOut("HTTP-response-timeout")


def fetch(
    method: str,
    scheme: str,
    authority: str,
    path: str,
    headers: list[tuple[str, bytes]],
    body: bytes,
    limit: int,
    timeout: float | None,
) -> Fetched:
    """One request and its reply. Each resource is given back before the one it came from."""
    deadline = _Deadline(timeout)
    try:
        with _sent(method, scheme, authority, path, headers, body, deadline) as coming:
            deadline.wait(coming.subscribe())
            got = coming.get()
            if not isinstance(got, Ok):
                raise failure("internal-error")
            if isinstance(got.value, Err):
                raise got.value
            with got.value.value as response:
                with response.headers() as fields:
                    entries = fields.entries()
                with response.consume() as content:
                    return Fetched(response.status(), entries, _read(content, limit, deadline))
    except Err as error:
        raise failure(_word(type(error.value).__name__)) from None


def _sent(
    method: str,
    scheme: str,
    authority: str,
    path: str,
    headers: list[tuple[str, bytes]],
    body: bytes,
    deadline: _Deadline,
) -> types.FutureIncomingResponse:
    fields = types.Fields()
    for name, value in headers:
        fields.append(name, value)
    if body:
        fields.append("content-length", str(len(body)).encode())
    request = types.OutgoingRequest(fields)
    known = _METHODS.get(method.upper())
    request.set_method(types.Method_Other(method) if known is None else known())
    request.set_scheme(types.Scheme_Https() if scheme == "https" else types.Scheme_Http())
    request.set_authority(authority)
    request.set_path_with_query(path)
    if not body:
        return outgoing_handler.handle(request, None)
    content = request.body()
    coming = outgoing_handler.handle(request, None)
    try:
        with content.write() as stream:
            _write(stream, body, deadline)
        types.OutgoingBody.finish(content, None)
    except TimedOut:
        for resource in (content, coming):
            resource.__exit__(None, None, None)
        raise
    except Err:
        # Who answers need not have read everything; where nobody does, the reply says why.
        pass
    return coming


def _write(stream: streams.OutputStream, body: bytes, deadline: _Deadline) -> None:
    if deadline.timer is None:
        for at in range(0, len(body), _WRITE):
            stream.blocking_write_and_flush(body[at : at + _WRITE])
        return
    at = 0
    while at < len(body):
        deadline.wait(stream.subscribe())
        room = min(stream.check_write(), len(body) - at)
        stream.write(body[at : at + room])
        at += room
    stream.flush()
    deadline.wait(stream.subscribe())


def _read(content: types.IncomingBody, limit: int, deadline: _Deadline) -> bytes:
    whole = bytearray()
    with content.stream() as stream:
        while True:
            if deadline.timer is not None:
                deadline.wait(stream.subscribe())
            try:
                whole += stream.blocking_read(_AT_ONCE)
            except Err as error:
                if isinstance(error.value, streams.StreamError_Closed):
                    return bytes(whole)
                raise failure("HTTP-response-incomplete") from None
            if len(whole) > limit:
                raise TooLarge(f"the reply has more than {limit} bytes")


def _word(code: str) -> str:
    """`ErrorCode_ConnectionRefused` as WASI spells it."""
    name = code.removeprefix("ErrorCode_")
    word = "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("-")
    return "-".join(part.upper() if part in ("http", "tls", "dns", "ip", "uri") else part for part in word.split("-"))
