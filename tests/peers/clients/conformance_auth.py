"""A client on PyPI `mcp` 2.x that does what the conformance suite's `auth/*` scenarios wait for: it finds out who issues
tokens for a server, gets one in its user's name, and calls the server's tools with it.

Takes the server's URL as its last argument; the suite names the scenario, the version and what the client knows of itself in
the environment. What the client sent is what is judged: where it ends with an error, that is printed and no failure.
"""

import asyncio
import json
import os
import sys
import traceback
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx2
from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientInformationFull, OAuthClientMetadata

REDIRECT = "http://127.0.0.1:9/callback"
# The suite's own: it looks whether a client that may name itself by a URL does.
CLIENT_ID = "https://conformance-test.local/client-metadata.json"


class Memory:
    """Keeps tokens and the registration for as long as the script runs."""

    def __init__(self, client):
        self.tokens, self.client = None, client

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

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
        self.arrived = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}

    async def result(self):
        said = self.arrived
        return AuthorizationCodeResult(code=said["code"], state=said.get("state"), iss=said.get("iss"))


def registered(context):
    """What was registered beforehand, if anything."""
    if "client_id" not in context:
        return None
    return OAuthClientInformationFull(
        client_id=context["client_id"], client_secret=context.get("client_secret"), redirect_uris=[REDIRECT]
    )


async def main(version, context, url):
    browser = Browser()
    auth = OAuthClientProvider(
        server_url=url,
        client_metadata=OAuthClientMetadata(
            client_name="conformance",
            redirect_uris=[REDIRECT],
            grant_types=["authorization_code", "refresh_token"],
            response_types=["code"],
        ),
        storage=Memory(registered(context)),
        redirect_handler=browser.open,
        callback_handler=browser.result,
        client_metadata_url=CLIENT_ID,
    )
    mode = "auto" if version >= "2026-07-28" else "legacy"
    async with create_mcp_http_client(auth=auth) as http:
        async with Client(streamable_http_client(url, http_client=http), mode=mode, read_timeout_seconds=20) as client:
            for tool in (await client.list_tools()).tools:
                await client.call_tool(tool.name, {})


try:
    asyncio.run(
        main(
            os.environ["MCP_CONFORMANCE_PROTOCOL_VERSION"],
            json.loads(os.environ.get("MCP_CONFORMANCE_CONTEXT", "{}")),
            sys.argv[-1],
        )
    )
except Exception:
    # Many scenarios are those of a server or an issuer that is not to be believed.
    traceback.print_exc()
