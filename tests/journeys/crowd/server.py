"""A server for a crowd: both eras over HTTP (`http`), the modern one on stdio (`stdio`). Streams stay open and are told
of a change when somebody calls the tool `poke`."""
import asyncio
import json
import sys

CHANGED = "notifications/tools/list_changed"
listeners = []


def answer(message):
    """The result of a request that ends at once."""
    method = message.get("method")
    if method == "initialize":
        return {"protocolVersion": "2025-11-25", "capabilities": {"tools": {"listChanged": True}},
                "serverInfo": {"name": "crowd", "version": "1"}}
    if method == "server/discover":
        return {"resultType": "complete", "supportedVersions": ["2026-07-28", "2025-11-25"],
                "capabilities": {"tools": {"listChanged": True}}, "serverInfo": {"name": "crowd", "version": "1"},
                "ttlMs": 0, "cacheScope": "private"}
    return {"resultType": "complete", "content": [], "tools": []}


def note(method, subscription):
    params = {} if subscription is None else {"_meta": {"io.modelcontextprotocol/subscriptionId": subscription}}
    if method.endswith("acknowledged"):
        params["notifications"] = {"toolsListChanged": True}
    return {"jsonrpc": "2.0", "method": method, "params": params}


async def poke():
    for send, subscription in list(listeners):
        await send(note(CHANGED, subscription))


async def connection(reader, writer):
    async def event(message):
        data = b"data: " + json.dumps(message).encode() + b"\n\n"
        writer.write(b"%x\r\n%s\r\n" % (len(data), data))
        await writer.drain()

    def respond(status, body=b"", more=""):
        head = f"HTTP/1.1 {status} x\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n{more}\r\n"
        writer.write(head.encode() + body)

    mine = None
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            length = next((int(line.split(":")[1]) for line in head.split("\r\n") if line.startswith("content-length")), 0)
            body = await reader.readexactly(length)
            verb = head.split(" ")[0]
            message = json.loads(body) if body else {}
            subscribes = message.get("method") == "subscriptions/listen"
            if verb == "get" or subscribes:
                writer.write(b"HTTP/1.1 200 x\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
                mine = (event, message.get("id"))
                listeners.append(mine)
                if subscribes:
                    await event(note("notifications/subscriptions/acknowledged", message["id"]))
                await reader.read()
                return
            if verb == "delete" or "id" not in message:
                respond(200 if verb == "delete" else 202)
            else:
                if message.get("params", {}).get("name") == "poke":
                    await poke()
                session = "mcp-session-id: crowd\r\n" if message["method"] == "initialize" else ""
                reply = {"jsonrpc": "2.0", "id": message["id"], "result": answer(message)}
                respond(200, json.dumps(reply).encode(), session)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        if mine in listeners:
            listeners.remove(mine)
        writer.close()


async def over_http(port):
    server = await asyncio.start_server(connection, "127.0.0.1", port, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def on_stdio():
    def send(message):
        sys.stdout.write(json.dumps(message) + "\n")
        sys.stdout.flush()

    subscriptions = []
    for line in sys.stdin:
        message = json.loads(line)
        method = message.get("method")
        if method == "subscriptions/listen":
            subscriptions.append(message["id"])
            send(note("notifications/subscriptions/acknowledged", message["id"]))
        elif method == "notifications/cancelled":
            if message["params"]["requestId"] in subscriptions:
                subscriptions.remove(message["params"]["requestId"])
        elif "id" in message:
            if message.get("params", {}).get("name") == "poke":
                for subscription in subscriptions:
                    send(note(CHANGED, subscription))
            send({"jsonrpc": "2.0", "id": message["id"], "result": answer(message)})


if sys.argv[1] == "stdio":
    on_stdio()
else:
    asyncio.run(over_http(int(sys.argv[2])))
