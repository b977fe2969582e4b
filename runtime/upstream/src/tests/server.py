# A server that does what the method says. Its argument says how it takes `server/discover`.
import json
import os
import sys
import threading
import time

how = sys.argv[1]
lock = threading.Lock()
seen = []
subscriptions = []
asker = None


def raw(text):
    with lock:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


def out(**members):
    raw(json.dumps({"jsonrpc": "2.0", **members}))


def later(seconds, **members):
    def run():
        time.sleep(seconds)
        out(**members)

    threading.Thread(target=run, daemon=True).start()


if how == "banner":
    raw("Welcome to the test server!")
    how = "legacy"
if how == "babble":
    while True:
        raw("hello there")
        time.sleep(0.05)

for line in sys.stdin:
    line = line.rstrip("\n")
    seen.append(line)
    m = json.loads(line)
    method, id, params = m.get("method"), m.get("id"), m.get("params", {})
    token = params.get("_meta", {}).get("progressToken")
    if method is None:
        if asker is not None:
            out(id=asker, result={"heard": m})
    elif method == "server/discover":
        if how in ("modern", "no-list"):
            out(id=id, result={"supportedVersions": ["2026-07-28"], "capabilities": {}})
        elif how == "both":
            out(id=id, result={"supportedVersions": ["2026-07-28", "2025-11-25"], "capabilities": {}})
        elif how == "other-version":
            out(id=id, error={"code": -32022, "message": "no", "data": {"supported": ["2030-01-01"]}})
        elif how == "legacy":
            out(id=id, error={"code": -32601, "message": "Method not found"})
        elif how == "dies":
            sys.exit(1)
    elif method == "initialize":
        if params.get("protocolVersion") == "refused":
            out(id=id, error={"code": -32602, "message": "no"})
        else:
            out(id=id, result={"protocolVersion": "2025-11-25", "capabilities": {}, "pid": os.getpid()})
    elif method in ("resources/subscribe", "resources/unsubscribe", "logging/setLevel"):
        out(id=id, result={})
    elif method == "tools/list" and how == "no-list":
        out(id=id, error={"code": -32603, "message": "no"})
    elif method == "echo":
        out(id=id, result={"line": line, "pid": os.getpid(), "meta": params.get("_meta")})
    elif method == "raw":
        for text in params["lines"]:
            raw(text.replace("ID", json.dumps(id)))
    elif method == "progress":
        for n in range(2):
            out(method="notifications/progress", params={"progressToken": token, "progress": n})
        out(id=id, result={"token": token})
    elif method == "flood":
        text = "x" * 1000
        for n in range(params["count"]):
            out(method="notifications/progress", params={"progressToken": token, "progress": n, "text": text})
        out(id=id, result={})
    elif method == "big":
        out(id=id, result={"text": "x" * params["bytes"]})
    elif method == "notify":
        for n in params["methods"]:
            out(method=n, params={})
        out(id=id, result={})
    elif method == "late":
        later(params["seconds"], id=id, result={})
    elif method == "seen":
        out(id=id, result={"lines": seen})
    elif method == "ask":
        asker = id
        out(id="q", method="roots/list", params={})
    elif method == "exit":
        sys.exit(3)
    elif method == "tools/list":
        if "cursor" in params:
            out(id=id, result={"tools": [{"name": "b", "page": params["cursor"]}]})
        else:
            out(id=id, result={"tools": [{"name": "a"}], "nextCursor": "two"})
    elif method == "subscriptions/listen":
        subscriptions.append(id)
        mark = {"_meta": {"io.modelcontextprotocol/subscriptionId": id}}
        out(method="notifications/subscriptions/acknowledged", params={**mark, "notifications": {}})
    elif method == "poke":
        for s in subscriptions:
            mark = {"_meta": {"io.modelcontextprotocol/subscriptionId": s}}
            out(method="notifications/tools/list_changed", params=mark)
        out(id=id, result={})
    elif method == "end-subscriptions":
        for s in subscriptions:
            out(method="notifications/cancelled", params={"requestId": s})
        out(id=id, result={})
