"""A client on PyPI `mcp` 1.x. Speaks the legacy era alone: `initialize`, session id, GET stream.

Takes one argument, a plan in JSON (see tests/harness/src/client.rs), and prints in JSON what it saw.
"""

import asyncio
import json
import sys
from contextlib import asynccontextmanager
from datetime import timedelta

import anyio
from mcp import ClientSession, McpError, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import CreateMessageResult, ElicitResult, ListRootsResult, Root, TextContent


def plain(model):
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)


async def seen(awaitable):
    """What a request brought back: its result, or the server's error."""
    try:
        return plain(await awaitable)
    except McpError as error:
        return {"error": {"code": error.error.code, "message": error.error.message}}


class Answers:
    """What the client says to the server's questions, and what it was asked."""

    def __init__(self, plan):
        self.plan = plan.get("answers")
        self.asked = []

    async def sampling(self, context, params):
        self.asked.append(f"sampling: {params.messages[0].content.text}")
        text = TextContent(type="text", text=self.plan["sampling"])
        return CreateMessageResult(role="assistant", model="none", content=text)

    async def elicitation(self, context, params):
        self.asked.append(f"elicitation: {params.message}")
        return ElicitResult(action="accept", content=self.plan["elicitation"])

    async def roots(self, context):
        self.asked.append("roots")
        return ListRootsResult(roots=[Root(**root) for root in self.plan["roots"]])

    def callbacks(self):
        if self.plan is None:
            return {}
        return {
            "sampling_callback": self.sampling,
            "elicitation_callback": self.elicitation,
            "list_roots_callback": self.roots,
        }


@asynccontextmanager
async def connect(plan):
    if "url" in plan:
        async with streamable_http_client(plan["url"]) as (read, write, _):
            yield read, write
    else:
        server = StdioServerParameters(command=plan["command"], args=plan.get("args", []), env=plan.get("env"))
        left = False
        try:
            async with stdio_client(server) as streams:
                yield streams
                left = True
        except* anyio.BrokenResourceError:
            # The library's reader falls over a notification that comes while the client leaves.
            if not left:
                raise


async def main(plan):
    out = {}
    answers = Answers(plan)
    async with connect(plan) as (read, write):
        async with ClientSession(read, write, read_timeout_seconds=timedelta(seconds=30), **answers.callbacks()) as session:
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
            if "calls" in plan:
                out["calls"] = [
                    await seen(session.call_tool(call["name"], call.get("arguments", {}))) for call in plan["calls"]
                ]
    out["asked"] = answers.asked
    print(json.dumps(out))


asyncio.run(main(json.loads(sys.argv[1])))
