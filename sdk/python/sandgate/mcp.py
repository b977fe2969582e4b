"""What hooks see of MCP: params, results, content and definitions, of the protocol's revisions up to 2026-07-28.

A payload is a dict, so members that are not named here stay as they are:

>>> from sandgate import mcp, testing
>>> params = testing.document({"name": "search", "arguments": {"q": "x"}, "new": 1})
>>> call: mcp.CallToolParams = params.json()
>>> call["name"], call.get("arguments")
('search', {'q': 'x'})
"""

# Made by sdk/mcp/generate.py from payloads.schema.json: change that and run it.

from typing import Any, Literal, NotRequired, TypedDict


class Annotations(TypedDict):
    """For whom something is, and how much it matters."""

    audience: NotRequired[list[Literal["user", "assistant"]]]
    """For whom it is."""
    priority: NotRequired[float]
    """From 0, optional, to 1, required."""
    lastModified: NotRequired[str]
    """When it changed last, by ISO 8601."""


class Icon(TypedDict):
    """A picture for user interfaces."""

    src: str
    """Its URI: HTTPS or `data:`."""
    mimeType: NotRequired[str]
    """Its MIME type."""
    sizes: NotRequired[list[str]]
    """For example `48x48` or `any`."""
    theme: NotRequired[Literal["light", "dark"]]
    """The background that it is for."""


class TextContent(TypedDict):
    """Text."""

    type: Literal["text"]
    text: str
    """The text itself."""
    annotations: NotRequired[Annotations]
    _meta: NotRequired[dict[str, Any]]
    """What implementations add."""


class ImageContent(TypedDict):
    """A picture."""

    type: Literal["image"]
    data: str
    """Its bytes, as base64."""
    mimeType: str
    """For example `image/png`."""
    annotations: NotRequired[Annotations]
    _meta: NotRequired[dict[str, Any]]
    """What implementations add."""


class AudioContent(TypedDict):
    """Sound."""

    type: Literal["audio"]
    data: str
    """Its bytes, as base64."""
    mimeType: str
    """For example `audio/wav`."""
    annotations: NotRequired[Annotations]
    _meta: NotRequired[dict[str, Any]]
    """What implementations add."""


class ResourceLink(TypedDict):
    """A resource that can be read, named in a content."""

    type: Literal["resource_link"]
    uri: str
    """The resource's URI."""
    name: str
    """Its name for programs."""
    title: NotRequired[str]
    """Its name for people."""
    description: NotRequired[str]
    """What it is; models read it."""
    mimeType: NotRequired[str]
    """Its MIME type, where it is known."""
    size: NotRequired[int]
    """Bytes, where they are known."""
    icons: NotRequired[list[Icon]]
    annotations: NotRequired[Annotations]
    _meta: NotRequired[dict[str, Any]]
    """What implementations add."""


class TextResourceContents(TypedDict):
    """A resource's text."""

    uri: str
    """The resource's URI."""
    text: str
    """The text itself."""
    mimeType: NotRequired[str]
    """Its MIME type, where it is known."""
    _meta: NotRequired[dict[str, Any]]
    """What implementations add."""


class BlobResourceContents(TypedDict):
    """A resource's bytes."""

    uri: str
    """The resource's URI."""
    blob: str
    """The bytes, as base64."""
    mimeType: NotRequired[str]
    """Its MIME type, where it is known."""
    _meta: NotRequired[dict[str, Any]]
    """What implementations add."""


ResourceContents = TextResourceContents | BlobResourceContents
"""What a resource holds: `text` or `blob` is there."""


class EmbeddedResource(TypedDict):
    """A resource, within a content."""

    type: Literal["resource"]
    resource: ResourceContents
    annotations: NotRequired[Annotations]
    _meta: NotRequired[dict[str, Any]]
    """What implementations add."""


ContentBlock = TextContent | ImageContent | AudioContent | ResourceLink | EmbeddedResource
"""One piece of a result or of a prompt; `type` says which."""


class CallToolParams(TypedDict):
    """The params of `tools/call`."""

    name: str
    """The tool's name."""
    arguments: NotRequired[dict[str, Any]]
    """What it is called with, by the tool's own `inputSchema`."""
    inputResponses: NotRequired[dict[str, Any]]
    """Answers to what the server asked for, by name."""
    requestState: NotRequired[str]
    """What the server gave back to itself."""
    task: NotRequired[dict[str, Any]]
    """That it is to run as a task."""
    _meta: NotRequired[dict[str, Any]]
    """What implementations add."""


class CallToolResult(TypedDict):
    """The result of `tools/call`."""

    content: list[ContentBlock]
    """What models read."""
    structuredContent: NotRequired[Any]
    """The same for programs, by the tool's `outputSchema`."""
    isError: NotRequired[bool]
    """The tool failed, and `content` says why."""
    resultType: NotRequired[str]
    """`complete`, or another kind of result."""
    _meta: NotRequired[dict[str, Any]]
    """What implementations add."""


class ToolAnnotations(TypedDict):
    """What a server says of its tool. Hints: nobody checks them."""

    title: NotRequired[str]
    """Its name for people."""
    readOnlyHint: NotRequired[bool]
    """It changes nothing."""
    destructiveHint: NotRequired[bool]
    """It may destroy something."""
    idempotentHint: NotRequired[bool]
    """Calling it again changes nothing more."""
    openWorldHint: NotRequired[bool]
    """It reaches out of its own world."""


class Tool(TypedDict):
    """The definition of a tool."""

    name: str
    """Its name for programs."""
    title: NotRequired[str]
    """Its name for people."""
    description: NotRequired[str]
    """What it does; models read it."""
    inputSchema: dict[str, Any]
    """The JSON Schema of its arguments."""
    outputSchema: NotRequired[dict[str, Any]]
    """The JSON Schema of `structuredContent`."""
    annotations: NotRequired[ToolAnnotations]
    icons: NotRequired[list[Icon]]
    execution: NotRequired[dict[str, Any]]
    """How it runs, for example whether as a task."""
    _meta: NotRequired[dict[str, Any]]
    """What implementations add."""


class ListToolsResult(TypedDict):
    """The result of `tools/list`."""

    tools: list[Tool]
    nextCursor: NotRequired[str]
    """There are more: where they begin."""
    ttlMs: NotRequired[int]
    """How long it may be kept, in milliseconds."""
    cacheScope: NotRequired[Literal["public", "private"]]
    """For whom it may be kept."""
    resultType: NotRequired[str]
    """`complete`, or another kind of result."""
    _meta: NotRequired[dict[str, Any]]
    """What implementations add."""


class Resource(TypedDict):
    """The definition of a resource."""

    uri: str
    """The resource's URI."""
    name: str
    """Its name for programs."""
    title: NotRequired[str]
    """Its name for people."""
    description: NotRequired[str]
    """What it is; models read it."""
    mimeType: NotRequired[str]
    """Its MIME type, where it is known."""
    size: NotRequired[int]
    """Bytes, where they are known."""
    icons: NotRequired[list[Icon]]
    annotations: NotRequired[Annotations]
    _meta: NotRequired[dict[str, Any]]
    """What implementations add."""


class ResourceTemplate(TypedDict):
    """The definition of many resources."""

    uriTemplate: str
    """Their URIs, as a template by RFC 6570."""
    name: str
    """Its name for programs."""
    title: NotRequired[str]
    """Its name for people."""
    description: NotRequired[str]
    """What they are; models read it."""
    mimeType: NotRequired[str]
    """The MIME type of all of them, where they have one."""
    icons: NotRequired[list[Icon]]
    annotations: NotRequired[Annotations]
    _meta: NotRequired[dict[str, Any]]
    """What implementations add."""


class ListResourcesResult(TypedDict):
    """The result of `resources/list`."""

    resources: list[Resource]
    nextCursor: NotRequired[str]
    """There are more: where they begin."""
    ttlMs: NotRequired[int]
    """How long it may be kept, in milliseconds."""
    cacheScope: NotRequired[Literal["public", "private"]]
    """For whom it may be kept."""
    resultType: NotRequired[str]
    """`complete`, or another kind of result."""
    _meta: NotRequired[dict[str, Any]]
    """What implementations add."""


class ListResourceTemplatesResult(TypedDict):
    """The result of `resources/templates/list`."""

    resourceTemplates: list[ResourceTemplate]
    nextCursor: NotRequired[str]
    """There are more: where they begin."""
    ttlMs: NotRequired[int]
    """How long it may be kept, in milliseconds."""
    cacheScope: NotRequired[Literal["public", "private"]]
    """For whom it may be kept."""
    resultType: NotRequired[str]
    """`complete`, or another kind of result."""
    _meta: NotRequired[dict[str, Any]]
    """What implementations add."""


class ReadResourceParams(TypedDict):
    """The params of `resources/read`."""

    uri: str
    """The resource's URI."""
    inputResponses: NotRequired[dict[str, Any]]
    """Answers to what the server asked for, by name."""
    requestState: NotRequired[str]
    """What the server gave back to itself."""
    _meta: NotRequired[dict[str, Any]]
    """What implementations add."""


class ReadResourceResult(TypedDict):
    """The result of `resources/read`."""

    contents: list[ResourceContents]
    ttlMs: NotRequired[int]
    """How long it may be kept, in milliseconds."""
    cacheScope: NotRequired[Literal["public", "private"]]
    """For whom it may be kept."""
    resultType: NotRequired[str]
    """`complete`, or another kind of result."""
    _meta: NotRequired[dict[str, Any]]
    """What implementations add."""


class PromptArgument(TypedDict):
    """What a prompt can be given."""

    name: str
    """Its name for programs."""
    title: NotRequired[str]
    """Its name for people."""
    description: NotRequired[str]
    """What it is; models read it."""
    required: NotRequired[bool]
    """It has to be given."""


class Prompt(TypedDict):
    """The definition of a prompt."""

    name: str
    """Its name for programs."""
    title: NotRequired[str]
    """Its name for people."""
    description: NotRequired[str]
    """What it is for; models read it."""
    arguments: NotRequired[list[PromptArgument]]
    icons: NotRequired[list[Icon]]
    _meta: NotRequired[dict[str, Any]]
    """What implementations add."""


class PromptMessage(TypedDict):
    """One message of a prompt."""

    role: Literal["user", "assistant"]
    """Who speaks."""
    content: ContentBlock


class ListPromptsResult(TypedDict):
    """The result of `prompts/list`."""

    prompts: list[Prompt]
    nextCursor: NotRequired[str]
    """There are more: where they begin."""
    ttlMs: NotRequired[int]
    """How long it may be kept, in milliseconds."""
    cacheScope: NotRequired[Literal["public", "private"]]
    """For whom it may be kept."""
    resultType: NotRequired[str]
    """`complete`, or another kind of result."""
    _meta: NotRequired[dict[str, Any]]
    """What implementations add."""


class GetPromptParams(TypedDict):
    """The params of `prompts/get`."""

    name: str
    """The prompt's name."""
    arguments: NotRequired[dict[str, str]]
    """What it is given."""
    inputResponses: NotRequired[dict[str, Any]]
    """Answers to what the server asked for, by name."""
    requestState: NotRequired[str]
    """What the server gave back to itself."""
    _meta: NotRequired[dict[str, Any]]
    """What implementations add."""


class GetPromptResult(TypedDict):
    """The result of `prompts/get`."""

    description: NotRequired[str]
    """What the prompt is for."""
    messages: list[PromptMessage]
    resultType: NotRequired[str]
    """`complete`, or another kind of result."""
    _meta: NotRequired[dict[str, Any]]
    """What implementations add."""
