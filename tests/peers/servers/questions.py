"""A server on PyPI `fastmcp` 4.x whose tools ask the client: its model, its user and its roots, in both eras.

Legacy, it asks while the call is under way; modern, the result says what is needed and the client calls again with it.
With `http` as its argument it serves Streamable HTTP on a free port of loopback and prints the endpoint's URL as its
first line; without, it speaks over stdio.
"""

import socket
import sys
import warnings

import mcp_types as t
import uvicorn
from fastmcp import Context, FastMCP
from mcp.shared.exceptions import MCPDeprecationWarning

warnings.simplefilter("ignore", MCPDeprecationWarning)
server = FastMCP("questions", version="1.0.0")
FORM = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}


def is_modern(context):
    return context.request_context.protocol_version >= "2026-07-28"


def needs(request):
    return t.InputRequiredResult(input_requests={"it": request}, request_state="asked")


def given(context):
    return (context.input_responses or {}).get("it")


@server.tool(name="ask-model")
async def ask_model(prompt: str, context: Context) -> str:
    messages = [t.SamplingMessage(role="user", content=t.TextContent(type="text", text=prompt))]
    if is_modern(context):
        params = t.CreateMessageRequestParams(messages=messages, max_tokens=100)
        answer = given(context)
        if answer is None:
            return needs(t.CreateMessageRequest(params=params))
    else:
        answer = await context.session.create_message(
            messages=messages, max_tokens=100, related_request_id=context.request_context.request_id
        )
    return f"the model said: {answer.content.text}"


@server.tool(name="ask-user")
async def ask_user(prompt: str, context: Context) -> str:
    if is_modern(context):
        answer = given(context)
        if answer is None:
            return needs(t.ElicitRequest(params=t.ElicitRequestFormParams(message=prompt, requested_schema=FORM)))
    else:
        answer = await context.session.elicit_form(
            prompt, FORM, related_request_id=context.request_context.request_id
        )
    return f"the user said: {answer.action}, {answer.content}"


@server.tool(name="ask-roots")
async def ask_roots(context: Context) -> str:
    if is_modern(context):
        answer = given(context)
        if answer is None:
            return needs(t.ListRootsRequest())
    else:
        answer = await context.session.list_roots()
    return "the roots are: " + ", ".join(f"{root.name} at {root.uri}" for root in answer.roots)


if sys.argv[1:] == ["http"]:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{listener.getsockname()[1]}/mcp", flush=True)
    config = uvicorn.Config(server.http_app(), log_level="warning", timeout_graceful_shutdown=1)
    uvicorn.Server(config).run(sockets=[listener])
else:
    server.run(show_banner=False)
