"""What the Python SDKs read: run by the interpreter of the peers' virtual environments, of either age.

On stdin: cases, each a kind (one byte), a length (four bytes, the highest first) and the bytes. On stdout: a line of JSON
for each: a list of [parser, reading], without the parsers that refuse.
"""

import json
import struct
import sys
import urllib.parse

import pydantic
import pydantic_core


def tree(value):
    """The form in which values are compared: see `runtime/gateway/src/fuzzing/reading.rs`."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, (int, float)):
        try:
            number = float(value)
        except OverflowError:
            number = float("inf") if value > 0 else float("-inf")
        return ["n", struct.pack(">d", number + 0.0).hex()]
    if isinstance(value, str):
        return ["s", value]
    if isinstance(value, list):
        return ["a", [tree(element) for element in value]]
    return ["o", [[name, tree(member)] for name, member in value.items()]]


def message(read):
    """A message that the SDK made, by the members that it has."""
    read = read.model_dump(by_alias=True, exclude_unset=True, mode="python")
    kind = next(
        (kind for member, kind in (("result", "result"), ("error", "error")) if member in read),
        "request" if "id" in read else "notification",
    )
    payload = read.get("result", read.get("error", read.get("params")))
    return {
        "kind": kind,
        "id": tree(read.get("id")),
        "method": read.get("method"),
        "payload": tree(payload if payload is not None else {}),
    }


try:
    import httpx
    import httpx_sse
    from httpx_sse._decoders import SSEDecoder
    from mcp.types import JSONRPCMessage

    def of_text(text):
        return message(JSONRPCMessage.model_validate_json(text).root)

    def of_value(value):
        return message(JSONRPCMessage.model_validate(value).root)

    def stream(text):
        headers = {"content-type": "text/event-stream"}
        return httpx.Response(200, headers=headers, content=text.encode())

    def by_lines(text):
        """As httpx-sse did until 0.4.0, on the lines of httpx."""
        decoder = SSEDecoder()
        for line in stream(text).iter_lines():
            if (event := decoder.decode(line.rstrip("\n"))) is not None:
                yield event

    EVENTS = {
        "httpx-sse": lambda text: httpx_sse.EventSource(stream(text)).iter_sse(),
        "httpx-sse on lines": by_lines,
    }
    HEADERS = {}
except ImportError:
    import httpx2
    from mcp.shared.inbound import decode_header_value
    from mcp_types import jsonrpc_message_adapter

    def of_text(text):
        return message(jsonrpc_message_adapter.validate_json(text, by_name=False))

    def of_value(value):
        return message(jsonrpc_message_adapter.validate_python(value, by_name=False))

    def events(text):
        headers = {"content-type": "text/event-stream"}
        request = httpx2.Request("GET", "http://localhost/")
        response = httpx2.Response(200, headers=headers, content=text.encode(), request=request)
        return iter(httpx2.EventSource(response))

    EVENTS = {"httpx2": events}
    HEADERS = {"decode_header_value": decode_header_value}


def messages(parser, text):
    """The messages and the ids in an event stream, as the SDK's client takes them."""
    read, ids = [], []
    for event in EVENTS[parser](text):
        if event.id:
            ids.append(event.id)
        if event.event != "message" or not event.data:
            continue
        try:
            read.append(of_text(event.data))
        except ValueError:
            pass
    return {"messages": read, "ids": ids}


def host(text):
    """The host that a URL with this authority leads to."""
    name, _, origin = text.partition("\n")
    hosts = [urllib.parse.urlsplit("http://" + name).hostname]
    if origin:
        hosts.append(urllib.parse.urlsplit(origin).hostname)
    return hosts


def read_by(split):
    """The file that a server would open for a URI, as many have it: the path, decoded once."""

    def path(text):
        parts = split(text)
        if parts.scheme != "file":
            raise ValueError("no file")
        return urllib.parse.unquote(parts.path or "")

    return path


PARSERS = {
    "j": {
        "json.loads": lambda text: tree(json.loads(text)),
        "pydantic_core.from_json": lambda text: tree(pydantic_core.from_json(text)),
    },
    # A client reads a line, a server a body.
    "m": {
        "validate_json": lambda text: [of_text(text)],
        "json.loads, validate": lambda text: [of_value(json.loads(text))],
        "from_json, validate": lambda text: [of_value(pydantic_core.from_json(text))],
    },
    "s": {name: lambda text, name=name: messages(name, text) for name in EVENTS},
    "h": {
        name: lambda case, decode=decode: decode(json.loads(case)["header"].strip())
        for name, decode in HEADERS.items()
    },
    "o": {"urlsplit": host},
    "u": {"urlsplit": read_by(urllib.parse.urlsplit), "AnyUrl": read_by(pydantic.AnyUrl)},
}


def main():
    cases, out = sys.stdin.buffer, sys.stdout
    while head := cases.read(5):
        kind, length = struct.unpack(">cI", head)
        text = cases.read(length).decode()
        readings = []
        for name, parse in PARSERS[kind.decode()].items():
            try:
                readings.append([name, parse(text)])
            except (ValueError, RecursionError):
                pass
        print(json.dumps(readings), file=out, flush=True)


main()
