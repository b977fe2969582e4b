"""A server on PyPI `mcp` 2.x that has everything the conformance suite asks of a server, in both eras.

Serves Streamable HTTP on a free port of loopback and prints the endpoint's URL as its first line.
"""

import asyncio
import json
import os
import socket
import warnings

import mcp_types as t
import uvicorn
from mcp.server.caching import CacheHint
from mcp.server.lowlevel import Server
from mcp.server.lowlevel.server import NotificationOptions
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity
from mcp.server.streamable_http import EventMessage, EventStore
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler, PromptsListChanged, ToolsListChanged
from mcp.shared.exceptions import MCPDeprecationWarning, MCPError

warnings.simplefilter("ignore", MCPDeprecationWarning)

# One red pixel, and a wave file of two samples.
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC"
SOUND = "UklGRigAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQQAAAAAAAAA"

ASKS_A_NAME = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
ASKS_A_COLOUR = {"type": "object", "properties": {"color": {"type": "string"}}, "required": ["color"]}
CONFIRMS = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}
NOTHING = {"type": "object", "properties": {}}

TOOLS = {}
PROMPTS = {}
bus = InMemorySubscriptionBus()


def tool(description, schema=NOTHING):
    """Registers a function `(context, params)` as the tool of its name."""

    def register(function):
        name = function.__name__
        TOOLS[name] = (t.Tool(name=name, description=description, input_schema=schema), function)
        return function

    return register


def prompt(description, *arguments):
    """Registers a function `(context, params)` as the prompt of its name."""

    def register(function):
        name = function.__name__
        needed = [t.PromptArgument(name=argument, required=True) for argument in arguments]
        PROMPTS[name] = (t.Prompt(name=name, description=description, arguments=needed or None), function)
        return function

    return register


def text(words):
    return t.TextContent(type="text", text=words)


def image():
    return t.ImageContent(type="image", data=PIXEL, mime_type="image/png")


def embedded(uri, mime_type, words):
    return t.EmbeddedResource(
        type="resource", resource=t.TextResourceContents(uri=uri, mime_type=mime_type, text=words)
    )


def result(*content):
    return t.CallToolResult(content=[text(one) if isinstance(one, str) else one for one in content])


# What a tool may bring back.


@tool("Answers with a text.")
async def test_simple_text(context, params):
    return result("This is a simple text response for testing.")


@tool("Answers with a picture.")
async def test_image_content(context, params):
    return result(image())


@tool("Answers with a sound.")
async def test_audio_content(context, params):
    return result(t.AudioContent(type="audio", data=SOUND, mime_type="audio/wav"))


@tool("Answers with a resource.")
async def test_embedded_resource(context, params):
    return result(embedded("test://embedded-resource", "text/plain", "This is an embedded resource content."))


@tool("Answers with a text, a picture and a resource.")
async def test_multiple_content_types(context, params):
    mixed = embedded("test://mixed-content-resource", "application/json", '{"test":"data","value":123}')
    return result("Multiple content types test:", image(), mixed)


@tool("Fails.")
async def test_error_handling(context, params):
    words = "This tool intentionally returns an error for testing"
    return t.CallToolResult(content=[text(words)], is_error=True)


async def say(context, words):
    await context.session.send_log_message("info", words, related_request_id=context.request_id)


@tool("Logs three times.")
async def test_tool_with_logging(context, params):
    for words in ["Tool execution started", "Tool processing data", "Tool execution completed"]:
        await say(context, words)
        await asyncio.sleep(0.05)
    return result("Logged three times.")


@tool("Logs once.")
async def test_logging_tool(context, params):
    await say(context, "Logged only where the request asks for it.")
    return result("Logged once.")


@tool("Tells how far it is, three times.")
async def test_tool_with_progress(context, params):
    for done in [0, 50, 100]:
        await context.session.report_progress(done, 100, f"Completed step {done} of 100")
        await asyncio.sleep(0.05)
    return result("Done.")


@tool("Closes its stream halfway, so that the client has to come back for the rest.")
async def test_reconnection(context, params):
    if context.close_sse_stream:
        await context.close_sse_stream()
    await asyncio.sleep(0.2)
    return result("Came to its end.")


@tool("Takes a value that is also sent as a header.", {
    "type": "object",
    "properties": {"region": {"type": "string", "x-mcp-header": "Region"}},
    "required": ["region"],
})
async def test_header_parameter(context, params):
    return result(f"Region: {params.arguments['region']}")


@tool("Has an input schema with the whole vocabulary.", {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }
    },
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"},
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
})
async def json_schema_2020_12_tool(context, params):
    return result("Seen.")


@tool("Changes the list of tools, so to speak.")
async def test_trigger_tool_change(context, params):
    await bus.publish(ToolsListChanged())
    return result("Told.")


@tool("Changes the list of prompts, so to speak.")
async def test_trigger_prompt_change(context, params):
    await bus.publish(PromptsListChanged())
    return result("Told.")


# Legacy: the server asks the client while the call is under way.


@tool("Asks the client's model.", {
    "type": "object", "properties": {"prompt": {"type": "string"}}, "required": ["prompt"]
})
async def test_sampling(context, params):
    answer = await context.session.create_message(
        messages=[t.SamplingMessage(role="user", content=text(params.arguments["prompt"]))],
        max_tokens=100,
        related_request_id=context.request_id,
    )
    return result(f"LLM response: {answer.content.text}")


async def ask(context, message, schema):
    answer = await context.session.elicit_form(message, schema, related_request_id=context.request_id)
    return result(f"Elicitation completed: action={answer.action}, content={json.dumps(answer.content)}")


@tool("Asks the user.", {
    "type": "object", "properties": {"message": {"type": "string"}}, "required": ["message"]
})
async def test_elicitation(context, params):
    schema = {
        "type": "object",
        "properties": {"response": {"type": "string", "description": "User's response"}},
        "required": ["response"],
    }
    return await ask(context, params.arguments["message"], schema)


@tool("Asks the user, with defaults.")
async def test_elicitation_sep1034_defaults(context, params):
    states = ["active", "inactive", "pending"]
    schema = {
        "type": "object",
        "properties": {
            "name": {"type": "string", "default": "John Doe"},
            "age": {"type": "integer", "default": 30},
            "score": {"type": "number", "default": 95.5},
            "status": {"type": "string", "enum": states, "default": "active"},
            "verified": {"type": "boolean", "default": True},
        },
        "required": [],
    }
    return await ask(context, "Please review the defaults", schema)


@tool("Asks the user to choose, in each of the five ways.")
async def test_elicitation_sep1330_enums(context, params):
    values = ["option1", "option2", "option3"]
    titled = [{"const": value, "title": value.title()} for value in values]
    schema = {
        "type": "object",
        "properties": {
            "untitledSingle": {"type": "string", "enum": values},
            "titledSingle": {"type": "string", "oneOf": titled},
            "legacyEnum": {"type": "string", "enum": values, "enumNames": ["One", "Two", "Three"]},
            "untitledMulti": {"type": "array", "items": {"type": "string", "enum": values}},
            "titledMulti": {"type": "array", "items": {"anyOf": titled}},
        },
        "required": [],
    }
    return await ask(context, "Please choose", schema)


# Modern: the result says what is needed, and the client calls again with it.


def form(message, schema):
    return t.ElicitRequest(params=t.ElicitRequestFormParams(message=message, requested_schema=schema))


def sampling(words, most):
    messages = [t.SamplingMessage(role="user", content=text(words))]
    return t.CreateMessageRequest(params=t.CreateMessageRequestParams(messages=messages, max_tokens=most))


def needs(state=None, **requests):
    return t.InputRequiredResult(input_requests=requests or None, request_state=state)


def given(params, key, kind):
    """The client's answer to a question, if it is of the kind that was asked for."""
    answer = (params.input_responses or {}).get(key)
    return answer if isinstance(answer, kind) else None


def accepted(params, key, field, kind=str):
    """A field of an accepted form, if it is of the kind that was asked for."""
    answer = given(params, key, t.ElicitResult)
    value = answer.content.get(field) if answer and answer.content else None
    return value if isinstance(value, kind) else None


@tool("Needs a name.")
async def test_input_required_result_elicitation(context, params):
    name = accepted(params, "user_name", "name")
    return result(f"Hello, {name}!") if name else needs(user_name=form("What is your name?", ASKS_A_NAME))


@tool("Needs a model.")
async def test_input_required_result_sampling(context, params):
    answer = given(params, "capital_question", t.CreateMessageResult)
    if answer:
        return result(f"The model said: {answer.content.text}")
    return needs(capital_question=sampling("What is the capital of France?", 100))


@tool("Needs roots.")
async def test_input_required_result_list_roots(context, params):
    answer = given(params, "client_roots", t.ListRootsResult)
    if answer:
        return result(f"Roots: {', '.join(str(root.uri) for root in answer.roots)}")
    return needs(client_roots=t.ListRootsRequest())


@tool("Needs a confirmation, and its own state back.")
async def test_input_required_result_request_state(context, params):
    if accepted(params, "confirm", "ok", bool) is not None and params.request_state == "asked":
        return result("state-ok")
    return needs("asked", confirm=form("Please confirm", CONFIRMS))


@tool("Needs its own state back, unharmed.")
async def test_input_required_result_tampered_state(context, params):
    if accepted(params, "confirm", "ok", bool) is not None and params.request_state == "sealed":
        return result("Confirmed.")
    return needs("sealed", confirm=form("Please confirm", CONFIRMS))


@tool("Needs a name, a model and roots at once.")
async def test_input_required_result_multiple_inputs(context, params):
    name = accepted(params, "user_name", "name")
    greeting = given(params, "greeting", t.CreateMessageResult)
    roots = given(params, "client_roots", t.ListRootsResult)
    if name and greeting and roots:
        return result(f"{greeting.content.text} {name}, {len(roots.roots)} roots")
    return needs(
        "several",
        user_name=form("What is your name?", ASKS_A_NAME),
        greeting=sampling("Generate a greeting", 50),
        client_roots=t.ListRootsRequest(),
    )


@tool("Needs a name, then a colour.")
async def test_input_required_result_multi_round(context, params):
    state = json.loads(params.request_state or "{}")
    name, colour = accepted(params, "step1", "name"), accepted(params, "step2", "color")
    if state.get("round") == 2 and colour:
        return result(f"{state['name']} likes {colour}.")
    if state.get("round") == 1 and name:
        state = json.dumps({"round": 2, "name": name})
        return needs(state, step2=form("Step 2: What is your favourite colour?", ASKS_A_COLOUR))
    return needs(json.dumps({"round": 1}), step1=form("Step 1: What is your name?", ASKS_A_NAME))


@tool("Needs what the client can give, and nothing else.")
async def test_input_required_result_capabilities(context, params):
    can = context.session.client_capabilities or t.ClientCapabilities()
    questions = {}
    if can.sampling is not None:
        questions["sample"] = sampling("Say hello", 50)
    if can.elicitation is not None:
        questions["name"] = form("What is your name?", ASKS_A_NAME)
    return needs(**questions) if questions else result("There is nothing that it could ask for.")


@tool("Needs a name, on a stream.")
async def test_streaming_elicitation(context, params):
    await context.session.report_progress(1, 2)
    name = accepted(params, "user_name", "name")
    return result(f"Hello, {name}!") if name else needs(user_name=form("What is your name?", ASKS_A_NAME))


@tool("Cannot do without a model.")
async def test_missing_capability(context, params):
    can = context.session.client_capabilities
    if can is None or can.sampling is None:
        raise MCPError(
            code=t.MISSING_REQUIRED_CLIENT_CAPABILITY,
            message="needs the client's sampling",
            data={"requiredCapabilities": {"sampling": {}}},
        )
    return result("It can.")


def spoken(*content):
    return t.GetPromptResult(messages=[t.PromptMessage(role="user", content=one) for one in content])


@prompt("Says a sentence.")
async def test_simple_prompt(context, params):
    return spoken(text("This is a simple prompt for testing."))


@prompt("Repeats what it is given.", "arg1", "arg2")
async def test_prompt_with_arguments(context, params):
    one, two = params.arguments["arg1"], params.arguments["arg2"]
    return spoken(text(f"Prompt with arguments: arg1='{one}', arg2='{two}'"))


@prompt("Holds a resource.", "resourceUri")
async def test_prompt_with_embedded_resource(context, params):
    resource = embedded(params.arguments["resourceUri"], "text/plain", "Embedded resource content for testing.")
    return spoken(resource, text("Please process the embedded resource above."))


@prompt("Holds a picture.")
async def test_prompt_with_image(context, params):
    return spoken(image(), text("Please analyze the image above."))


@prompt("Needs to know what it is about.")
async def test_input_required_result_prompt(context, params):
    about = accepted(params, "user_context", "context")
    schema = {"type": "object", "properties": {"context": {"type": "string"}}, "required": ["context"]}
    return spoken(text(f"Use this: {about}")) if about else needs(user_context=form("What is it about?", schema))


async def list_tools(context, params):
    return t.ListToolsResult(tools=[definition for definition, _ in TOOLS.values()])


async def call_tool(context, params):
    if params.name not in TOOLS:
        raise MCPError(code=t.INVALID_PARAMS, message=f"Unknown tool: {params.name}")
    return await TOOLS[params.name][1](context, params)


async def list_prompts(context, params):
    return t.ListPromptsResult(prompts=[definition for definition, _ in PROMPTS.values()])


async def get_prompt(context, params):
    if params.name not in PROMPTS:
        raise MCPError(code=t.INVALID_PARAMS, message=f"Unknown prompt: {params.name}")
    return await PROMPTS[params.name][1](context, params)


RESOURCES = {
    "test://static-text": ("static-text", "text/plain"),
    "test://static-binary": ("static-binary", "image/png"),
    "test://watched-resource": ("watched-resource", "text/plain"),
}


async def list_resources(context, params):
    return t.ListResourcesResult(
        resources=[t.Resource(uri=uri, name=name, mime_type=kind) for uri, (name, kind) in RESOURCES.items()]
    )


async def list_templates(context, params):
    template = t.ResourceTemplate(uri_template="test://template/{id}/data", name="template", mime_type="application/json")
    return t.ListResourceTemplatesResult(resource_templates=[template])


async def read_resource(context, params):
    uri = str(params.uri)
    if uri == "test://static-binary":
        contents = t.BlobResourceContents(uri=uri, mime_type="image/png", blob=PIXEL)
    elif uri in RESOURCES:
        words = "This is the content of the static text resource."
        contents = t.TextResourceContents(uri=uri, mime_type="text/plain", text=words)
    elif uri.startswith("test://template/") and uri.endswith("/data"):
        name = uri.removeprefix("test://template/").removesuffix("/data")
        words = json.dumps({"id": name, "templateTest": True, "data": f"Data for ID: {name}"})
        contents = t.TextResourceContents(uri=uri, mime_type="application/json", text=words)
    else:
        raise MCPError(code=t.INVALID_PARAMS, message="Resource not found", data={"uri": uri})
    return t.ReadResourceResult(contents=[contents])


async def done(context, params):
    return t.EmptyResult()


async def complete(context, params):
    values = [value for value in ["paris", "park", "party"] if value.startswith(params.argument.value)]
    return t.CompleteResult(completion=t.Completion(values=values, total=len(values), has_more=False))


class Events(EventStore):
    """What was sent on each stream, for clients that come back."""

    def __init__(self):
        self.sent = []

    async def store_event(self, stream_id, message):
        self.sent.append((stream_id, message))
        return str(len(self.sent))

    async def replay_events_after(self, last_event_id, send_callback):
        after = int(last_event_id)
        if not 1 <= after <= len(self.sent):
            return None
        stream = self.sent[after - 1][0]
        for number, (stream_id, message) in enumerate(self.sent[after:], after + 1):
            if stream_id == stream and message is not None:
                await send_callback(EventMessage(message, str(number)))
        return stream


def main():
    hint = CacheHint(ttl_ms=1000, scope="public")
    cached = ["server/discover", "tools/list", "prompts/list", "resources/list", "resources/templates/list"]
    server = Server(
        "conformance-fixture",
        version="1.0.0",
        cache_hints={method: hint for method in [*cached, "resources/read"]},
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        on_list_resources=list_resources,
        on_list_resource_templates=list_templates,
        on_read_resource=read_resource,
        on_subscribe_resource=done,
        on_unsubscribe_resource=done,
        on_subscriptions_listen=ListenHandler(bus),
        on_list_prompts=list_prompts,
        on_get_prompt=get_prompt,
        on_completion=complete,
        on_set_logging_level=done,
    )
    server.middleware.append(RequestStateBoundary(RequestStateSecurity.ephemeral(), default_audience=server.name))
    app = server.streamable_http_app(event_store=Events(), retry_interval=100)
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{listener.getsockname()[1]}/mcp", flush=True)
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1)
    asyncio.run(uvicorn.Server(config).serve(sockets=[listener]))


main()
