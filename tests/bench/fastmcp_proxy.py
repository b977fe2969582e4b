"""FastMCP's proxy with a middleware that does what two policies do: fastmcp_proxy.py SERVER-URL PORT."""

import re
import sys

from fastmcp.exceptions import ToolError
from fastmcp.server import create_proxy
from fastmcp.server.middleware import Middleware

KINDS = [
    (re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"), "[email]"),
    (re.compile(r"\b(?:\d[ -]?){13,16}\b"), "[card]"),
    (re.compile(r"\b[A-Z]{2}\d{2}[A-Z0-9]{11,30}\b"), "[iban]"),
]


class Policies(Middleware):
    async def on_call_tool(self, context, call_next):
        arguments = context.message.arguments or {}
        customer, limit = arguments.get("customer"), arguments.get("limit", 1)
        fits = isinstance(customer, str) and len(customer) <= 20 and isinstance(limit, int) and 1 <= limit <= 100
        if not fits or set(arguments) - {"customer", "limit"}:
            raise ToolError("arguments.schema")
        result = await call_next(context)
        for part in result.content:
            if part.type == "text":
                for kind, mask in KINDS:
                    part.text = kind.sub(mask, part.text)
        return result


server, port = sys.argv[1], int(sys.argv[2])
proxy = create_proxy(server)
proxy.add_middleware(Policies())
proxy.run(transport="http", host="127.0.0.1", port=port, path="/mcp", stateless_http=True, show_banner=False, log_level="ERROR")
