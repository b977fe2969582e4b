"""What the gateway does under load that is more than it can: good calls, calls turned away, calls refused wrongly, and how
long the good ones took, from 8 callers to 512.

    python3 tests/load/curve.py [--binary target/release/sandgate] [--seconds 5] [--patient] [8 16 …]

Three policies, one server, one address: every caller makes a call as soon as it has the answer to its last one. With
--patient a caller that was turned away waits as long as it was told to (Retry-After). Callers, server and gateway share
the machine. Calls refused wrongly must be none: a policy that did not decide in time, a connection that broke, anything
but an answer or a 503 with Retry-After.
"""

import argparse
import asyncio
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]

CONFIG = """
[gateway]
listen = "127.0.0.1:0"
admin = "none"
[gateway.limits]
max-connections = 4096
max-requests = 8192
[call-log]
to = "none"
[servers.desk]
url = "http://127.0.0.1:{port}/mcp"
[[interceptors]]
name = "allow"
plugin = "builtin:allow-tools"
settings = {{ rules = [{{ who = ["*"], allow = ["*"] }}] }}
[[interceptors]]
name = "scrub"
plugin = "builtin:pii-scrubber"
[[interceptors]]
name = "arguments"
plugin = "builtin:argument-validator"
"""

META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "curve", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
TOOL = {
    "name": "look_up",
    "inputSchema": {
        "type": "object",
        "properties": {"customer": {"type": "string", "maxLength": 20}},
        "required": ["customer"],
        "additionalProperties": False,
    },
}
TEXT = "Anna's address is anna@example.org, her number +44 20 7946 0958. " * 20


def message(method, **params):
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": META}}
    return json.dumps(body).encode()


CALL = message("tools/call", name="look_up", arguments={"customer": "c-1"})


async def read(reader):
    """A head and its body."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: *(\d+)", head)
    return head, await reader.readexactly(int(length.group(1)) if length else 0)


async def serve(reader, writer):
    try:
        while True:
            _, body = await read(reader)
            asked = json.loads(body)
            result = {
                "server/discover": {"capabilities": {"tools": {}}, "supportedVersions": ["2026-07-28"],
                                    "serverInfo": {"name": "desk", "version": "1"}},
                "tools/list": {"tools": [TOOL]},
            }.get(asked["method"], {"content": [{"type": "text", "text": TEXT}]})
            text = json.dumps({"jsonrpc": "2.0", "id": asked.get("id"),
                               "result": {"resultType": "complete", **result}}).encode()
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s"
                         % (len(text), text))
    except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
        writer.close()


class Tally:
    def __init__(self):
        self.good, self.away, self.wrong, self.times = 0, 0, {}, []

    def note(self, head, body, took):
        status = head.split(b" ", 2)[1]
        if status == b"503" and b"retry-after" in head.lower():
            self.away += 1
        elif status == b"200" and b'"result"' in body and b'"isError":true' not in body:
            assert b"anna@example.org" not in body, "an address passed"
            self.good += 1
            self.times.append(took)
        else:
            said = (status + b" " + body[:300]).decode(errors="replace")
            said = re.sub(r'"callId":"[^"]*"', "", said)
            self.wrong[said] = self.wrong.get(said, 0) + 1


async def call(port, until, tally, patient):
    reader = writer = None
    head = (f"POST /mcp/desk HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\ncontent-type: application/json\r\n"
            "accept: application/json, text/event-stream\r\nmcp-protocol-version: 2026-07-28\r\n"
            f"mcp-method: tools/call\r\nmcp-name: look_up\r\ncontent-length: {len(CALL)}\r\n\r\n").encode()
    while time.monotonic() < until:
        if writer is None:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        began = time.monotonic()
        try:
            writer.write(head + CALL)
            answer = await read(reader)
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            tally.wrong[repr(error)] = tally.wrong.get(repr(error), 0) + 1
            writer = None
            continue
        now = time.monotonic()
        if now < until:
            tally.note(*answer, now - began)
        if patient and answer[0].split(b" ", 2)[1] == b"503":
            await asyncio.sleep(1)
    if writer:
        writer.close()


def start(binary, port):
    folder = tempfile.mkdtemp()
    file = pathlib.Path(folder, "sandgate.toml")
    file.write_text(CONFIG.format(port=port))
    gateway = subprocess.Popen([binary, "run", "--config", file], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
    seen = b""
    for line in gateway.stderr:
        seen += line
        if found := re.search(rb"listening on http://127.0.0.1:(\d+)", line):
            asyncio.get_running_loop().run_in_executor(None, gateway.stderr.read)
            return gateway, int(found.group(1))
    sys.exit(f"the gateway did not come up:\n{seen.decode()}")


async def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=ROOT / "target/release/sandgate")
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--patient", action="store_true")
    parser.add_argument("callers", nargs="*", type=int, default=[8, 16, 32, 64, 128, 256, 512])
    asked = parser.parse_args()
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    gateway, port = start(asked.binary, server.sockets[0].getsockname()[1])
    wrong = 0
    try:
        await call(port, time.monotonic() + 1, Tally(), False)
        print(f"{'callers':>8} {'good/s':>8} {'away/s':>8} {'wrong':>6} {'median':>8} {'p99':>8}")
        for callers in asked.callers:
            tally = Tally()
            until = time.monotonic() + asked.seconds
            await asyncio.gather(*(call(port, until, tally, asked.patient) for _ in range(callers)))
            times = sorted(tally.times) or [0]
            at = lambda share: times[int((len(times) - 1) * share)] * 1000
            failed = sum(tally.wrong.values())
            wrong += failed
            print(f"{callers:>8} {tally.good / asked.seconds:>8.0f} {tally.away / asked.seconds:>8.0f} {failed:>6} "
                  f"{at(0.5):>5.0f} ms {at(0.99):>5.0f} ms", flush=True)
            for said, count in tally.wrong.items():
                print(f"{count:>8} × {said}")
            await asyncio.sleep(1)
    finally:
        gateway.terminate()
        gateway.wait()
    sys.exit(1 if wrong else 0)


asyncio.run(main())
