"""A client on PyPI `mcp` 2.x that does what the conformance suite's client scenarios wait for.

Takes the server's URL as its last argument; the suite names the scenario and the version in the environment.
"""

import asyncio
import json
import os
import sys

import mcp_types as t
from mcp import Client
from pydantic import ValidationError

# What is sent for a parameter, by its type; what matters is that the tool is called.
SAMPLES = {"string": "us-west1", "integer": 2, "number": 3, "boolean": True, "array": [], "object": {}, "null": None}


async def accept(context, params):
    """Accepts a form with its defaults, and with a sample where there is none."""
    schema = params.requested_schema
    properties = schema.get("properties", {}) if isinstance(schema, dict) else {}
    content = {
        name: part.get("default", part.get("enum", [SAMPLES.get(part.get("type"))])[0])
        for name, part in properties.items()
    }
    return t.ElicitResult(action="accept", content=content)


async def speak(context, params):
    return t.CreateMessageResult(role="assistant", model="none", content=t.TextContent(type="text", text="Hello."))


async def roots(context):
    return t.ListRootsResult(roots=[])


def arguments(tool):
    schema = tool.input_schema
    return {
        name: SAMPLES.get(part.get("type") if isinstance(part, dict) else None)
        for name, part in schema.get("properties", {}).items()
    }


async def call_everything(client):
    tools = (await client.list_tools()).tools
    for tool in tools:
        try:
            await client.call_tool(tool.name, arguments(tool))
        except ValidationError as error:
            # One server leaves `resultType` out, which the library takes amiss. What the client sent is what is judged.
            print(error, file=sys.stderr)


async def main(scenario, version, context, url):
    mode = "auto" if version >= "2026-07-28" else "legacy"
    async with Client(
        url,
        mode=mode,
        elicitation_callback=accept,
        sampling_callback=speak,
        list_roots_callback=roots,
        read_timeout_seconds=20,
    ) as client:
        capabilities = client.server_capabilities
        if "toolCalls" in context:
            await client.list_tools()
            for call in context["toolCalls"]:
                await client.call_tool(call["name"], call["arguments"])
        elif scenario == "json-schema-2020-12-preservation":
            tools = {tool.name: tool for tool in (await client.list_tools()).tools}
            schema = tools["json_schema_2020_12_tool"].input_schema
            await client.call_tool("json_schema_echo", {"schema": schema})
        elif scenario == "json-schema-ref-no-deref":
            await client.list_tools()
        elif capabilities.tools or scenario not in ["initialize"]:
            await call_everything(client)
        if capabilities.resources:
            for resource in (await client.list_resources()).resources:
                await client.read_resource(str(resource.uri))
        if capabilities.prompts:
            for prompt in (await client.list_prompts()).prompts:
                needed = {argument.name: "x" for argument in prompt.arguments or []}
                await client.get_prompt(prompt.name, needed)


asyncio.run(
    main(
        os.environ["MCP_CONFORMANCE_SCENARIO"],
        os.environ["MCP_CONFORMANCE_PROTOCOL_VERSION"],
        json.loads(os.environ.get("MCP_CONFORMANCE_CONTEXT", "{}")),
        sys.argv[-1],
    )
)
