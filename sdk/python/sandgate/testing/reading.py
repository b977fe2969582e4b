"""Which strings people or models read, as the contract's `texts` has it. What stands where the protocol has machinery of
its own is left out where it looks like it; everything else is text."""

import re
from collections.abc import Iterator

from sandgate.pointer import escape
from sandgate.testing.tree import Tree

_BLOCKS = ("text", "image", "audio", "resource", "resource_link", "tool_use", "tool_result")
_TOKEN = re.compile(r"[!-~]{1,256}", re.ASCII)
_NAME = r"[^/\",()<>@:\[\]?=; \x00-\x1f\x7f-\U0010ffff]{1,256}"
_MIME = re.compile(rf"{_NAME}/{_NAME}(?:;(?: *){_NAME}=[!-:<-~]{{1,256}}(?: *))*")
_BASE64 = re.compile(r"[A-Za-z0-9+/=\-_\r\n]*")

# What a member is, by what it stands in: `kind.name`, or `kind.*` for every name.
_DOCUMENT = {
    "cursor": "always",
    "nextCursor": "always",
    "requestState": "always",
    "taskId": "token",
    "requestId": "token",
    "progressToken": "token",
    "elicitationId": "token",
    "protocolVersion": "token",
    "resultType": "result-type",
}
_CARRIED = {
    "content": "content",
    "contents": "contents-list",
    "messages": "messages",
    "tools": "definitions",
    "prompts": "definitions",
    "resources": "definitions",
    "resourceTemplates": "definitions",
    "clientInfo": "implementation",
    "serverInfo": "implementation",
    "task": "task",
    "tasks": "tasks",
    "result": "carried",
    "inputResponses": "responses",
    "inputRequests": "requests",
    "_meta": "meta",
}
_MEMBERS: dict[str, dict[str, str]] = {
    "document": {**_CARRIED, **_DOCUMENT},
    "carried": _CARRIED,
    "responses": {"*": "carried"},
    "requests": {"*": "request"},
    "request": {"params": "carried"},
    "meta": {
        "progressToken": "token",
        "traceparent": "token",
        "tracestate": "token",
        "io.modelcontextprotocol/protocolVersion": "token",
        "io.modelcontextprotocol/subscriptionId": "token",
        "io.modelcontextprotocol/logLevel": "token",
        "io.modelcontextprotocol/related-task": "task",
        "io.modelcontextprotocol/clientInfo": "implementation",
        "io.modelcontextprotocol/serverInfo": "implementation",
    },
    "implementation": {"version": "token"},
    "task": {"taskId": "token"},
    "message": {"role": "role", "content": "content", "_meta": "meta"},
    "contents": {"mimeType": "mime", "blob": "base64", "_meta": "meta"},
    "definition": {"mimeType": "mime", "icons": "definitions", "_meta": "meta"},
    "block-text": {},
    "block-image": {"mimeType": "mime", "data": "base64"},
    "block-audio": {"mimeType": "mime", "data": "base64"},
    "block-resource": {"resource": "contents"},
    "block-resource_link": {"mimeType": "mime", "icons": "definitions"},
    "block-tool_use": {"id": "token"},
    "block-tool_result": {"toolUseId": "token", "content": "content"},
}
# What an object is, within a list of this.
_ELEMENTS = {
    "content": "content",
    "tasks": "task",
    "contents-list": "contents",
    "definitions": "definition",
    "messages": "message",
}
_WORDS = {"result-type": ("complete", "input_required", "task"), "role": ("user", "assistant")}


def texts(text: str, root: Tree) -> Iterator[tuple[str, str]]:
    """Pointer and content of every text, in the document's order."""
    return _walk(text, root, "document" if root.kind == "object" else "text", "")


def strings(text: str, root: Tree) -> Iterator[tuple[str, str]]:
    """Pointer and content of every string."""
    return _walk(text, root, "text", "")


def keys(root: Tree) -> Iterator[str]:
    """Every member name, in the document's order."""
    for name, value in root.members:
        yield name
        yield from keys(value)
    for value in root.elements:
        yield from keys(value)


def _walk(text: str, value: Tree, place: str, pointer: str) -> Iterator[tuple[str, str]]:
    if value.kind == "string":
        if not _leaves_out(place, value.string, text[value.start : value.end]):
            yield pointer, value.string
    elif value.kind == "array":
        for index, element in enumerate(value.elements):
            inner = _ELEMENTS.get(place, "text") if element.kind == "object" else "text"
            yield from _walk(text, element, inner, f"{pointer}/{index}")
    elif value.kind == "object":
        place = _object(place, value)
        for name, member in value.members:
            yield from _walk(text, member, _member(place, name), f"{pointer}/{escape(name)}")


def _object(place: str, value: Tree) -> str:
    if place == "content":
        kind = value.member("type")
        return f"block-{kind.string}" if kind and kind.kind == "string" and kind.string in _BLOCKS else "text"
    if place == "contents":
        uri = value.member("uri")
        return "contents" if uri and uri.kind == "string" else "text"
    return "text" if place in _ELEMENTS else place


def _member(place: str, name: str) -> str:
    if place.startswith("block-") and name in ("type", "_meta"):
        return "always" if name == "type" else "meta"
    members = _MEMBERS.get(place, {})
    return members.get("*") or members.get(name, "text")


def _leaves_out(place: str, content: str, written: str) -> bool:
    if place == "always":
        return True
    if place == "token":
        # Machinery is not written with escapes.
        return _TOKEN.fullmatch(content) is not None and "\\" not in written
    if place == "mime":
        return _MIME.fullmatch(content) is not None
    if place == "base64":
        return _BASE64.fullmatch(content) is not None
    return content in _WORDS.get(place, ())
