#!/usr/bin/env python3
"""Sandgate beside other proxies: one server, one load, the same two processors, in turns.

    make bench-peers                 # everything, three rounds; writes into docs/performance.md
    tests/bench/peers.py --binary target/shipped/sandgate --rounds 3 --seconds 5 [NAME …]

nginx is the server and answers every call with 20 e-mail addresses in 1.9 KB. wrk calls over 16 connections. Server and
load have one processor, the proxy that is measured has the other. Before a rate counts, each proxy must have shown
that it did the work: what it is to mask is masked, and a call whose arguments do not fit the tool is refused.
Rates are medians of rounds in which all take their turn; *of Envoy + wasm* compares within the round.
"""

import argparse
import contextlib
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
PROXY, REST = "0", "1"
SERVER_PORT = 9701
ADDRESSES = 20
MARKS = "<!-- peers: written by `make bench-peers` -->", "<!-- end of peers -->"

META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
TOOL = {
    "name": "look_up",
    "description": "Looks a customer up.",
    "inputSchema": {
        "type": "object",
        "properties": {
            "customer": {"type": "string", "maxLength": 20, "description": "The customer's number"},
            "limit": {"type": "integer", "minimum": 1, "maximum": 100, "default": 10},
        },
        "required": ["customer"],
        "additionalProperties": False,
    },
}
TEXT = "; ".join(
    f"Customer {n:02}: user{n:02}.name@example{n:02}.org, order {1000 + n}, all fine with it, nothing more to add here"
    for n in range(ADDRESSES)
)
HEADERS = {
    "content-type": "application/json",
    "accept": "application/json, text/event-stream",
    "mcp-protocol-version": "2026-07-28",
    "mcp-method": "tools/call",
    "mcp-name": "look_up",
}


def compact(value):
    return json.dumps(value, separators=(",", ":"))


def call(limit):
    params = {"name": "look_up", "arguments": {"customer": "c-1", "limit": limit}, "_meta": META}
    return compact({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})


def reply(**result):
    return compact({"jsonrpc": "2.0", "id": 1, "result": {"resultType": "complete", **result}})


def nginx(folder):
    """The server: answers by the header that says which method is called."""
    quoted = lambda text: "'" + text.replace("'", "\\'") + "'"
    answers = {
        "default": reply(content=[{"type": "text", "text": TEXT}]),
        "tools/list": reply(tools=[TOOL], ttlMs=0, cacheScope="private"),
        "server/discover": reply(
            capabilities={"tools": {}},
            supportedVersions=["2026-07-28"],
            serverInfo={"name": "desk", "version": "1"},
        ),
    }
    lines = " ".join(f'"{method}" {quoted(text)};' if method != "default" else f"default {quoted(text)};"
                     for method, text in answers.items())
    temporary = " ".join(f"{kind}_temp_path {folder}/{kind};"
                         for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    path = folder / "nginx.conf"
    path.write_text(f"""daemon off; master_process off; error_log /dev/null; pid {folder}/pid;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 1000000000; default_type application/json; {temporary}
  map $http_mcp_method $answer {{ {lines} }}
  server {{ listen 127.0.0.1:{SERVER_PORT} backlog=1024; location / {{ return 200 $answer; }} }}
}}
""")
    return ["nginx", "-c", str(path)]


POLICIES = {
    "allow": '[[interceptors]]\nname = "allow"\nplugin = "builtin:allow-tools"\n'
             'settings = { rules = [{ who = ["*"], allow = ["*"] }] }\n',
    "scrub": '[[interceptors]]\nname = "scrub"\nplugin = "builtin:pii-scrubber"\n'
             'settings = { entities = ["email", "credit-card", "iban"] }\n',
    "check": '[[interceptors]]\nname = "check"\nplugin = "builtin:argument-validator"\n',
}


NINE = ["nine", "scrub", "check"]


def nine(folder, binary):
    """The interceptors that `sandgate init` writes, with a rate that no load reaches."""
    path = folder / "init.toml"
    if not path.exists():
        subprocess.run([binary, "init", "--config", str(path)], check=True, stdout=subprocess.DEVNULL)
    text = path.read_text()
    text, count = re.subn(r"calls = \d+, (.*?)burst = \d+", r"calls = 1000000000, \1burst = 1000000000", text)
    if count != 1:
        sys.exit("`sandgate init` writes no rate any more")
    return text[text.index("[[interceptors]]"):]


def sandgate(folder, port, binary, policies):
    path = folder / f"sandgate-{port}.toml"
    interceptors = nine(folder, binary) if policies is NINE else "".join(POLICIES[each] for each in policies)
    path.write_text(f"""[gateway]
listen = "127.0.0.1:{port}"
admin = "none"
cache = "{folder}/cache"
state = "{folder}/sandgate-{port}.state"
[call-log]
to = "none"
[servers.desk]
url = "http://127.0.0.1:{SERVER_PORT}/mcp"
""" + interceptors)
    return [binary, "run", "--config", str(path), "--log-level", "error"]


def envoy(folder, port, wasm):
    program = ROOT / "target/bench/bin/envoy"
    if not program.exists():
        return None
    filters = [{
        "name": "envoy.filters.http.router",
        "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"},
    }]
    if wasm:
        filters.insert(0, {
            "name": "envoy.filters.http.wasm",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
                "config": {
                    "name": "bench", "root_id": "bench",
                    "vm_config": {"vm_id": "bench", "runtime": "envoy.wasm.runtime.v8",
                                  "code": {"local": {"filename": str(wasm)}}},
                },
            },
        })
    address = lambda number: {"socket_address": {"address": "127.0.0.1", "port_value": number}}
    config = {
        "static_resources": {
            "listeners": [{
                "name": "in", "address": address(port),
                "filter_chains": [{"filters": [{
                    "name": "envoy.filters.network.http_connection_manager",
                    "typed_config": {
                        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
                        "stat_prefix": "in", "generate_request_id": False, "http_filters": filters,
                        "route_config": {"virtual_hosts": [{
                            "name": "all", "domains": ["*"],
                            "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "desk"}}],
                        }]},
                    },
                }]}],
            }],
            "clusters": [{
                "name": "desk", "type": "STATIC",
                "load_assignment": {"cluster_name": "desk", "endpoints": [
                    {"lb_endpoints": [{"endpoint": {"address": address(SERVER_PORT)}}]}]},
            }],
        },
    }
    path = folder / f"envoy-{port}.json"
    path.write_text(json.dumps(config))
    return [str(program), "-c", str(path), "--concurrency", "1", "--log-level", "error", "--base-id", str(port)]


class Measured:
    """One proxy: how it is started, what it has to have done, and its figures."""

    def __init__(self, name, command, port, path, masks, refuses):
        self.name, self.command, self.masks, self.refuses = name, command, masks, refuses
        self.url = f"http://127.0.0.1:{port}{path}"
        self.rates, self.processor, self.process, self.memory = [], [], None, 0

    def ask(self, body, method="tools/call"):
        headers = {**HEADERS, "mcp-method": method}
        if method != "tools/call":
            del headers["mcp-name"]
        request = urllib.request.Request(self.url, body.encode(), headers)
        try:
            return urllib.request.urlopen(request, timeout=30).read().decode()
        except urllib.error.HTTPError as error:
            return error.read().decode()

    def start(self):
        self.process = subprocess.Popen(["taskset", "-c", PROXY, *self.command],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        listing = compact({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": META}})
        for _ in range(600):
            with contextlib.suppress(OSError):
                if '"look_up"' in self.ask(listing, "tools/list"):
                    return
            if self.process.poll() is not None:
                sys.exit(f"{self.name} has ended: {self.command}")
            time.sleep(0.1)
        sys.exit(f"{self.name} does not answer")

    def prove(self):
        """The work is done, or no rate counts."""
        good, bad = self.ask(call(3)), self.ask(call(3000))
        found = good.count("@example")
        if found != (0 if self.masks else ADDRESSES) or good.count("Customer ") != ADDRESSES:
            sys.exit(f"{self.name}: {found} of {ADDRESSES} addresses were let through: {good[:400]}")
        if ("arguments.schema" in bad) != self.refuses:
            sys.exit(f"{self.name}: a call that does not fit is {'not ' if self.refuses else ''}refused: {bad[:400]}")

    def used(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def measure(self, script, seconds):
        before = self.used()
        said = subprocess.run(["taskset", "-c", REST, "wrk", "-t1", "-c16", f"-d{seconds}s", "-s", script, self.url],
                              capture_output=True, text=True, check=True).stdout
        if failed := re.search(r"Non-2xx.*|Socket errors.*", said):
            sys.exit(f"{self.name}: {failed[0]}")
        count = int(re.search(r"(\d+) requests in", said)[1])
        self.rates.append(float(re.search(r"Requests/sec:\s+([\d.]+)", said)[1]))
        self.processor.append((self.used() - before) * 1e6 / count)
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        self.memory = int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024


def all_measured(folder, binary):
    wasm = ROOT / "target/bench/filter/wasm32-wasip1/release/bench_filter.wasm"
    yield Measured("nginx, the server itself", nginx(folder), SERVER_PORT, "/mcp", False, False)
    yield Measured("Envoy", envoy(folder, 9711, None), 9711, "/mcp", False, False)
    yield Measured("Envoy + wasm, two policies", envoy(folder, 9712, wasm), 9712, "/mcp", True, True)
    python = ROOT / "target/bench/bin/python"
    fastmcp = [str(python), str(HERE / "fastmcp_proxy.py"), f"http://127.0.0.1:{SERVER_PORT}/mcp", "9713"]
    yield Measured("FastMCP + middleware, the same", fastmcp if python.exists() else None, 9713, "/mcp", True, True)
    chosen = {
        "Sandgate": [],
        "Sandgate + allow-tools": ["allow"],
        "Sandgate + pii-scrubber": ["scrub"],
        "Sandgate + argument-validator": ["check"],
        "Sandgate, two policies": ["scrub", "check"],
        "Sandgate, three policies": ["allow", "scrub", "check"],
        # As `sandgate init` writes them.
        "Sandgate, nine policies": NINE,
    }
    for port, (name, policies) in enumerate(chosen.items(), 9721):
        yield Measured(name, sandgate(folder, port, binary, policies), port, "/mcp/desk",
                       "scrub" in policies, "check" in policies)


def table(measured, rounds):
    against = next((each for each in measured if each.name.startswith("Envoy + wasm")), None)
    lines = ["| | calls/s | lowest and highest round | of Envoy + wasm | processor µs a call | memory MB |",
             "|---|---:|---:|---:|---:|---:|"]
    for each in measured:
        ratio = "–"
        if against and against.rates:
            ratio = f"{statistics.median(one / other for one, other in zip(each.rates, against.rates)):.2f}"
        lines.append(f"| {each.name} | {statistics.median(each.rates):,.0f} | {min(each.rates):,.0f} – {max(each.rates):,.0f} "
                     f"| {ratio} | {statistics.median(each.processor):.0f} | {each.memory:.0f} |")
    lines.append(f"\n{time.strftime('%Y-%m-%d')}, {rounds} rounds, one processor for each proxy.")
    return "\n".join(lines) + "\n"


def plot(measured):
    """Bars, the longest first. No library is needed for rectangles."""
    rows = [each for each in measured if not each.name.startswith("nginx")]
    most = max(statistics.median(each.rates) for each in rows)
    height = 28 * len(rows) + 12
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 {height}" font-family="system-ui, sans-serif" '
             'font-size="13" role="img" aria-label="Calls a second, one processor each">']
    for index, each in enumerate(rows):
        rate = statistics.median(each.rates)
        top, width = 10 + 28 * index, 440 * rate / most
        colour = "#3b6fb6" if each.name.startswith("Sandgate") else "#9aa4b1"
        parts.append(f'<text x="220" y="{top + 14}" text-anchor="end" fill="currentColor">{each.name}</text>'
                     f'<rect x="230" y="{top}" width="{width:.0f}" height="18" rx="2" fill="{colour}"/>'
                     f'<text x="{236 + width:.0f}" y="{top + 14}" fill="currentColor">{rate:,.0f}/s</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def publish(marks, tables, name, picture):
    """Puts tables between two marks of docs/performance.md, and a picture beside the page."""
    page = ROOT / "docs/performance.md"
    text = page.read_text()
    begin, end = (text.index(mark) for mark in marks)
    page.write_text(text[: begin + len(marks[0])] + "\n" + tables + text[end:])
    (ROOT / "docs/performance").mkdir(exist_ok=True)
    (ROOT / "docs/performance" / name).write_text(picture)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=str(ROOT / "target/shipped/sandgate"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--write", action="store_true", help="the table into docs/performance.md, and the plot beside it")
    parser.add_argument("names", nargs="*", help="only those whose name contains one of these")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place)
        wanted = [each for each in all_measured(folder, asked.binary)
                  if not asked.names or each.name.startswith("nginx") or any(name in each.name for name in asked.names)]
        for each in wanted:
            if each.command is None:
                print(f"NOT MEASURED: {each.name} is not installed")
        wanted = [each for each in wanted if each.command]
        script = folder / "call.lua"
        script.write_text(f"wrk.method = 'POST'\nwrk.body = [==[{call(3)}]==]\n"
                          + "".join(f"wrk.headers['{name}'] = '{value}'\n" for name, value in HEADERS.items()))
        try:
            for each in wanted:
                each.start()
                if each.name.startswith("nginx"):
                    subprocess.run(["taskset", "-a", "-p", "-c", REST, str(each.process.pid)],
                                   check=True, stdout=subprocess.DEVNULL)
                each.prove()
            for number in range(asked.rounds):
                for each in wanted:
                    print(f"\rround {number + 1} of {asked.rounds}: {each.name:40}", end="", file=sys.stderr, flush=True)
                    each.measure(str(script), asked.seconds)
            print(file=sys.stderr)
        finally:
            for each in wanted:
                if each.process:
                    each.process.terminate()
            for each in wanted:
                if each.process:
                    each.process.wait()
    said = table(wanted, asked.rounds)
    print(said)
    if asked.write:
        publish(MARKS, said, "peers.svg", plot(wanted))


if __name__ == "__main__":
    main()
