"""A client on PyPI `fastmcp` 4.x, which stands on `mcp` 2.x.

Takes one argument, a plan in JSON (see tests/harness/src/client.rs), and prints in JSON what it saw.
"""

import asyncio
import json
import sys

from fastmcp import Client
from fastmcp.client.transports import StdioTransport
from mcp import MCPError
from mcp_types import CreateMessageResult, ElicitResult, Root, TextContent


def plain(model):
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)


async def seen(awaitable):
    """What a request brought back: its result, or the server's error."""
    try:
        return plain(await awaitable)
    except MCPError as error:
        return {"error": {"code": error.error.code, "message": error.error.message}}


def questions(answers, asked):
    """What the client says to the server's questions; it notes what it was asked."""

    async def sampling(messages, params, context):
        asked.append(f"sampling: {messages[0].content.text}")
        text = TextContent(type="text", text=answers["sampling"])
        return CreateMessageResult(role="assistant", model="none", content=text)

    async def elicitation(message, response_type, params, context):
        asked.append(f"elicitation: {message}")
        return ElicitResult(action="accept", content=answers["elicitation"])

    async def roots(context):
        asked.append("roots")
        return [Root(**root) for root in answers["roots"]]

    return {"sampling_handler": sampling, "elicitation_handler": elicitation, "roots": roots}


async def main(plan):
    if "url" in plan:
        target = plan["url"]
    else:
        target = StdioTransport(command=plan["command"], args=plan.get("args", []), env=plan.get("env"), keep_alive=False)
    out = {}
    asked = []
    handlers = questions(plan["answers"], asked) if "answers" in plan else {}
    async with Client(target, timeout=30, **handlers) as client:
        out["version"] = client.protocol_version
        info = client.server_info
        out["server"] = info and {"name": info.name, "version": info.version}
        out["capabilities"] = plain(client.server_capabilities)
        out["tools"] = plain(await client.list_tools_mcp())["tools"]
        if "call" in plan:
            out["call"] = await seen(client.call_tool_mcp(plan["call"]["name"], plan["call"].get("arguments", {})))
        if "read" in plan:
            out["resources"] = plain(await client.list_resources_mcp())["resources"]
            out["read"] = await seen(client.read_resource_mcp(plan["read"]))
        if "prompt" in plan:
            out["prompts"] = plain(await client.list_prompts_mcp())["prompts"]
            out["prompt"] = await seen(client.get_prompt_mcp(plan["prompt"]["name"], plan["prompt"].get("arguments", {})))
        if "calls" in plan:
            out["calls"] = [await seen(client.call_tool_mcp(call["name"], call.get("arguments", {}))) for call in plan["calls"]]
    out["asked"] = asked
    print(json.dumps(out))


asyncio.run(main(json.loads(sys.argv[1])))
