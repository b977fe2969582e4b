"""Requests by the world's own imports. Imported in components only, and only where the manifest asks for http."""

from typing import Any

from componentize_py_types import Err, Ok
from wit_world.imports import outgoing_handler, streams, types

from sandgate.border import Fetched
from sandgate.http import Denied, Failure, TooLarge

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


def fetch(
    method: str, scheme: str, authority: str, path: str, headers: list[tuple[str, bytes]], body: bytes, limit: int
) -> Fetched:
    """One request and its reply. Each resource is given back before the one it came from."""
    try:
        with _sent(method, scheme, authority, path, headers, body) as coming:
            with coming.subscribe() as ready:
                ready.block()
            got = coming.get()
            if not isinstance(got, Ok):
                raise Failure("internal-error")
            if isinstance(got.value, Err):
                raise got.value
            with got.value.value as response:
                with response.headers() as fields:
                    entries = fields.entries()
                with response.consume() as content:
                    return Fetched(response.status(), entries, _read(content, limit))
    except Err as error:
        code = type(error.value).__name__
        if code == "ErrorCode_HttpRequestDenied":
            raise Denied("the operator has not granted this host") from None
        raise Failure(_word(code)) from None


def _sent(
    method: str, scheme: str, authority: str, path: str, headers: list[tuple[str, bytes]], body: bytes
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
            for at in range(0, len(body), _WRITE):
                stream.blocking_write_and_flush(body[at : at + _WRITE])
        types.OutgoingBody.finish(content, None)
    except Err:
        # Who answers need not have read everything; where nobody does, the reply says why.
        pass
    return coming


def _read(content: types.IncomingBody, limit: int) -> bytes:
    whole = bytearray()
    with content.stream() as stream:
        while True:
            try:
                whole += stream.blocking_read(_AT_ONCE)
            except Err as error:
                if isinstance(error.value, streams.StreamError_Closed):
                    return bytes(whole)
                raise
            if len(whole) > limit:
                raise TooLarge(f"the reply has more than {limit} bytes")


def _word(code: str) -> str:
    """`ErrorCode_ConnectionRefused` as WASI spells it."""
    name = code.removeprefix("ErrorCode_")
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("-")
