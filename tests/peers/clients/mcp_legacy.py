"""A client on PyPI `mcp` 1.x. Speaks the legacy era alone: `initialize`, session id, GET stream.

Takes one argument, a plan in JSON (see tests/harness/src/client.rs), and prints in JSON what it saw.
"""

import asyncio
import json
import sys
from contextlib import asynccontextmanager
from datetime import timedelta

from mcp import ClientSession, McpError, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client


def plain(model):
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)


async def seen(awaitable):
    """What a request brought back: its result, or the server's error."""
    try:
        return plain(await awaitable)
    except McpError as error:
        return {"error": {"code": error.error.code, "message": error.error.message}}


@asynccontextmanager
async def connect(plan):
    if "url" in plan:
        async with streamable_http_client(plan["url"]) as (read, write, _):
            yield read, write
    else:
        server = StdioServerParameters(command=plan["command"], args=plan.get("args", []), env=plan.get("env"))
        async with stdio_client(server) as streams:
            yield streams


async def main(plan):
    out = {}
    async with connect(plan) as (read, write):
        async with ClientSession(read, write, read_timeout_seconds=timedelta(seconds=30)) as session:
            hello = await session.initialize()
            out["version"] = hello.protocolVersion
            out["server"] = {"name": hello.serverInfo.name, "version": hello.serverInfo.version}
            out["capabilities"] = plain(hello.capabilities)
            out["tools"] = plain(await session.list_tools())["tools"]
            if "call" in plan:
                out["call"] = await seen(session.call_tool(plan["call"]["name"], plan["call"].get("arguments", {})))
            if "read" in plan:
                out["resources"] = plain(await session.list_resources())["resources"]
                out["read"] = await seen(session.read_resource(plan["read"]))
            if "prompt" in plan:
                out["prompts"] = plain(await session.list_prompts())["prompts"]
                out["prompt"] = await seen(
                    session.get_prompt(plan["prompt"]["name"], plan["prompt"].get("arguments", {}))
                )
    print(json.dumps(out))


asyncio.run(main(json.loads(sys.argv[1])))
