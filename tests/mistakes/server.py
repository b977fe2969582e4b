"""A server on stdin and stdout with one tool, which answers whatever it is called with."""

import json
import sys

TOOL = {"name": "shell", "description": "Runs a command.", "inputSchema": {"type": "object"}}

for line in sys.stdin:
    asked = json.loads(line)
    if "id" not in asked:
        continue
    answer = {"jsonrpc": "2.0", "id": asked["id"]}
    match asked["method"]:
        case "initialize":
            answer["result"] = {
                "protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "one-tool", "version": "1"},
            }  # fmt: skip
        case "tools/list":
            answer["result"] = {"tools": [TOOL]}
        case "tools/call":
            answer["result"] = {"content": [{"type": "text", "text": "Done."}]}
        case _:
            answer["error"] = {"code": -32601, "message": "no such method"}
    print(json.dumps(answer), flush=True)
