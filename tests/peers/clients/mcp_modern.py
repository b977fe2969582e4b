"""A client on PyPI `mcp` 2.x. Speaks both eras: it probes with `server/discover` and falls back to `initialize`.

Takes one argument, a plan in JSON (see tests/harness/src/client.rs), and prints in JSON what it saw.
"""

import asyncio
import json
import sys

from mcp import Client, MCPError, StdioServerParameters
from mcp_types import CreateMessageResult, ElicitResult, ListRootsResult, Root, TextContent


def plain(model):
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)


async def seen(awaitable):
    """What a request brought back: its result, or the server's error."""
    try:
        return plain(await awaitable)
    except MCPError as error:
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


async def main(plan):
    if "url" in plan:
        target = plan["url"]
    else:
        target = StdioServerParameters(command=plan["command"], args=plan.get("args", []), env=plan.get("env"))
    out = {}
    answers = Answers(plan)
    async with Client(
        target, mode=plan.get("mode", "auto"), read_timeout_seconds=30, **answers.callbacks()
    ) as client:
        out["version"] = client.protocol_version
        info = client.server_info
        out["server"] = info and {"name": info.name, "version": info.version}
        out["capabilities"] = plain(client.server_capabilities)
        out["tools"] = plain(await client.list_tools())["tools"]
        if "call" in plan:
            out["call"] = await seen(client.call_tool(plan["call"]["name"], plan["call"].get("arguments", {})))
        if "read" in plan:
            out["resources"] = plain(await client.list_resources())["resources"]
            out["read"] = await seen(client.read_resource(plan["read"]))
        if "prompt" in plan:
            out["prompts"] = plain(await client.list_prompts())["prompts"]
            out["prompt"] = await seen(client.get_prompt(plan["prompt"]["name"], plan["prompt"].get("arguments", {})))
        if "calls" in plan:
            out["calls"] = [await seen(client.call_tool(call["name"], call.get("arguments", {}))) for call in plan["calls"]]
    out["asked"] = answers.asked
    print(json.dumps(out))


asyncio.run(main(json.loads(sys.argv[1])))
