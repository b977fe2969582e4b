"""A client on PyPI `mcp` 2.x that knows the address of a server and nothing else: it finds out who issues tokens for it,
registers there, gets a token in its user's name, and asks for more scopes where a call needs them.

Takes one argument, a plan in JSON: `url`, and `calls`, a list of `{name, arguments}`. Prints in JSON what it saw, and the
scopes of each token that it was given.
"""

import asyncio
import json
import sys
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx2
from mcp import Client, MCPError
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientMetadata

REDIRECT = "http://127.0.0.1:9/callback"


class Memory:
    """Keeps tokens and the registration for as long as the script runs."""

    def __init__(self):
        self.tokens = None
        self.client = None
        self.scopes = []

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens
        self.scopes.append(tokens.scope)

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client):
        self.client = client


class Browser:
    """The user's browser, which goes where it is sent until that is the client's own address."""

    def __init__(self):
        self.arrived = None

    async def open(self, url):
        async with httpx2.AsyncClient() as browser:
            while not url.startswith(REDIRECT):
                response = await browser.get(url)
                if "location" not in response.headers:
                    raise RuntimeError(f"{url}: {response.status_code} {response.text}")
                url = urljoin(url, response.headers["location"])
        self.arrived = parse_qs(urlsplit(url).query)

    async def result(self):
        said = {name: values[0] for name, values in self.arrived.items()}
        if "code" not in said:
            raise RuntimeError(f"the issuer gave no code: {said}")
        return AuthorizationCodeResult(code=said["code"], state=said.get("state"), iss=said.get("iss"))


def plain(model):
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)


async def seen(awaitable):
    try:
        return plain(await awaitable)
    except MCPError as error:
        return {"error": {"code": error.error.code, "message": error.error.message}}


async def main(plan):
    memory, browser = Memory(), Browser()
    auth = OAuthClientProvider(
        server_url=plan["url"],
        client_metadata=OAuthClientMetadata(
            client_name="journey",
            redirect_uris=[REDIRECT],
            grant_types=["authorization_code"],
            response_types=["code"],
            token_endpoint_auth_method="none",
        ),
        storage=memory,
        redirect_handler=browser.open,
        callback_handler=browser.result,
    )
    out = {}
    async with create_mcp_http_client(auth=auth) as http:
        async with Client(streamable_http_client(plan["url"], http_client=http), read_timeout_seconds=30) as client:
            out["tools"] = [tool["name"] for tool in plain(await client.list_tools())["tools"]]
            out["calls"] = [await seen(client.call_tool(call["name"], call["arguments"])) for call in plan["calls"]]
    out["scopes"] = memory.scopes
    print(json.dumps(out))


asyncio.run(main(json.loads(sys.argv[1])))
