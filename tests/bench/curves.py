#!/usr/bin/env python3
"""How what a call costs grows: with the reply, the policies, the tools, the sessions, the calls in flight.

    make curves                      # all of them; writes into docs/performance.md
    tests/bench/curves.py --binary target/shipped/sandgate --seconds 2 [NAME …]

nginx is the server. wrk calls. Server and load have one processor, the gateway has the other, and what is compared is the
gateway's own processor time a call, which load beside it changes little. Before a rate counts, a call shows that the work
is done: the reply is whole, and masked where it is to be. Points of a curve are medians of rounds in which all take
their turn. *Exponent* is the slope between the last two points on logarithmic axes: 1 is linear.
"""

import argparse
import contextlib
import json
import math
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

from peers import HEADERS, META, POLICIES, PROXY, REST, ROOT, TOOL, Measured, compact, publish, reply

SERVER_PORT, FIRST_PORT = 9801, 9802
MARKS = "<!-- curves: written by `make curves` -->", "<!-- end of curves -->"
LINE = "Customer 07: user07.name@example07.org, order 1007, all fine with it, nothing more to add here; "
SIZES = [200, 2_000, 20_000, 200_000, 1_000_000]
TOOLS = [10, 100, 1_000, 10_000]


def reply_of(size):
    """A reply whose text has this many bytes, with one e-mail address in each 95."""
    return reply(content=[{"type": "text", "text": (LINE * (size // len(LINE))).ljust(size, ".")}])


def serve(folder):
    """nginx, which answers by method and tool from files. In the path: how many tools the server has."""
    files = folder / "files"
    files.mkdir()
    for size in SIZES:
        (files / f"reply-{size}").write_text(reply_of(size))
    (files / "discover").write_text(reply(
        capabilities={"tools": {}}, supportedVersions=["2026-07-28"], serverInfo={"name": "desk", "version": "1"}))
    for count in TOOLS:
        tools = [{**TOOL, "name": f"look_up_{size}"} for size in SIZES]
        tools += [{**TOOL, "name": f"other_{number}"} for number in range(count - len(tools))]
        (files / f"tools-{count}").write_text(reply(tools=tools, ttlMs=3_600_000, cacheScope="private"))
    temporary = " ".join(f"{kind}_temp_path {folder}/{kind};"
                         for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    names = "\n".join(f'"~^tools/call look_up_{size}$" reply-{size};' for size in SIZES)
    path = folder / "nginx.conf"
    path.write_text(f"""daemon off; master_process off; error_log /dev/null; pid {folder}/pid;
events {{ worker_connections 8192; }}
http {{
  access_log off; keepalive_requests 1000000000; default_type application/json; {temporary}
  client_max_body_size 4m; client_body_buffer_size 4m; sendfile on; tcp_nopush on;
  map "$http_mcp_method $http_mcp_name" $file {{
    default reply-2000;
    "~^server/discover " discover;
    "~^tools/list " tools-$tools;
    {names}
  }}
  map $uri $tools {{ default 10; "~^/(?<count>\\d+)/" $count; }}
  server {{
    listen 127.0.0.1:{SERVER_PORT} backlog=4096;
    # A file answers GET only. The page of the error "method not allowed" is got.
    location / {{ error_page 405 =200 /files/$file; return 405; }}
    location /files/ {{ internal; root {folder}; open_file_cache max=100; }}
  }}
}}
""")
    process = subprocess.Popen(["taskset", "-c", REST, "nginx", "-c", str(path)],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(100):
        with contextlib.suppress(OSError):
            ask(f"http://127.0.0.1:{SERVER_PORT}/10/mcp", "server/discover", {})
            return process
        time.sleep(0.1)
    sys.exit("nginx does not answer")


def request(method, params, name=None):
    headers = {**HEADERS, "mcp-method": method, "mcp-name": name}
    if name is None:
        del headers["mcp-name"]
    return compact({"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": META}}), headers


def call(size):
    name = f"look_up_{size}"
    return request("tools/call", {"name": name, "arguments": {"customer": "c-1", "limit": 3}}, name)


def ask(url, method, params, name=None):
    body, headers = request(method, params, name)
    return urllib.request.urlopen(urllib.request.Request(url, body.encode(), headers), timeout=60).read().decode()


class Point:
    """One gateway with one load: where it stands on its curve, and its figures."""

    def __init__(self, at, policies="", size=2_000, tools=10, connections=16, listing=False, sessions=0, cores=PROXY):
        self.at, self.policies, self.size, self.tools = at, policies, size, tools
        self.connections, self.listing, self.sessions, self.cores = connections, listing, sessions, cores
        self.processor, self.rates, self.tail, self.memory = [], [], [], 0

    def gateway(self, folder, port, binary):
        config = folder / f"gateway-{port}.toml"
        config.write_text(f"""[gateway]
listen = "127.0.0.1:{port}"
admin = "none"
cache = "{folder}/cache"
[gateway.limits]
# One client may have half of these.
max-sessions = {2 * self.sessions + 16}
max-connections = {2 * self.connections + 64}
[call-log]
to = "none"
[servers.desk]
url = "http://127.0.0.1:{SERVER_PORT}/{self.tools}/mcp"
""" + self.policies)
        command = [binary, "run", "--config", str(config), "--log-level", "error"]
        self.measured = Measured(str(self.at), command, port, "/mcp/desk", False, False)
        self.measured.process = subprocess.Popen(["taskset", "-c", self.cores, *command],
                                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(1200):
            with contextlib.suppress(OSError):
                if '"look_up_200"' in ask(self.measured.url, "tools/list", {}):
                    break
            if self.measured.process.poll() is not None:
                sys.exit(f"the gateway has ended: {config.read_text()}")
            time.sleep(0.1)
        else:
            sys.exit("the gateway does not answer")
        self.prove()
        for _ in range(self.sessions):
            self.open_session()
        body, headers = request("tools/list", {}) if self.listing else call(self.size)
        self.script = folder / f"call-{port}.lua"
        self.script.write_text(f"wrk.method = 'POST'\nwrk.body = [==[{body}]==]\n"
                               + "".join(f"wrk.headers['{name}'] = '{value}'\n" for name, value in headers.items()))

    def prove(self):
        """The whole reply comes, masked where it is to be."""
        said = json.loads(ask(self.measured.url, "tools/call",
                              {"name": f"look_up_{self.size}", "arguments": {"customer": "c-1", "limit": 3}},
                              f"look_up_{self.size}"))
        text = said["result"]["content"][0]["text"]
        masked = "pii-scrubber" in self.policies
        if text.count("@example") != (0 if masked else reply_of(self.size).count("@example")):
            sys.exit(f"{self.at}: not the work that is measured: {text[:200]}")
        if self.listing and ask(self.measured.url, "tools/list", {}).count('"inputSchema"') != self.tools:
            sys.exit(f"{self.at}: the list is not whole")

    def open_session(self):
        body = compact({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
            "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "idle", "version": "1"}}})
        headers = {key: value for key, value in HEADERS.items() if not key.startswith("mcp-")}
        try:
            urllib.request.urlopen(urllib.request.Request(self.measured.url, body.encode(), headers), timeout=30).read()
        except urllib.error.HTTPError as error:
            sys.exit(f"no session was opened: {error.read().decode()}")

    def measure(self, seconds):
        before = self.measured.used()
        said = subprocess.run(["taskset", "-c", REST, "wrk", "-t1", f"-c{self.connections}", f"-d{seconds}s", "--latency",
                               "--timeout", "30s", "-s", str(self.script), self.measured.url],
                              capture_output=True, text=True, check=True).stdout
        if failed := re.search(r"Non-2xx.*|Socket errors.*", said):
            sys.exit(f"{self.at}: {failed[0]}")
        count = int(re.search(r"(\d+) requests in", said)[1])
        self.rates.append(float(re.search(r"Requests/sec:\s+([\d.]+)", said)[1]))
        self.processor.append((self.measured.used() - before) * 1e6 / count)
        number, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", said).groups()
        self.tail.append(float(number) * {"us": 0.001, "ms": 1, "s": 1000}[unit])
        status = pathlib.Path(f"/proc/{self.measured.process.pid}/status").read_text()
        self.memory = int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024


def policies(count, **scope):
    """Copies of the smallest policy, each an interceptor of its own. With a scope, they stand beside the call."""
    where = "".join(f"{key} = {json.dumps(value)}\n" for key, value in scope.items())
    one = POLICIES["allow"].replace('plugin = ', where + 'plugin = ')
    return "".join(one.replace('name = "allow"', f'name = "allow-{number}"') for number in range(count))


def curves():
    yield "bytes of the reply, no policies", "bytes", [Point(size, size=size) for size in SIZES]
    yield ("bytes of the reply, pii-scrubber", "bytes",
           [Point(size, policies=POLICIES["scrub"], size=size) for size in SIZES[:-1]])
    yield "policies that a call passes", "policies", [Point(count, policies(count)) for count in (0, 1, 2, 4, 8, 16)]
    yield ("policies of other servers", "policies",
           [Point(count, policies(count, servers=["other"])) for count in (1, 10, 50, 200)])
    yield ("tools of the server, one call with argument-validator", "tools",
           [Point(count, POLICIES["check"], tools=count) for count in TOOLS])
    yield ("tools of the server, the list of them", "tools",
           [Point(count, tools=count, listing=True) for count in TOOLS])
    yield "idle sessions", "sessions", [Point(count, sessions=count) for count in (0, 100, 1_000, 10_000)]
    yield ("calls in flight, two policies", "calls",
           [Point(count, POLICIES["scrub"] + POLICIES["check"], connections=count) for count in (1, 8, 64, 256, 1_000)])
    yield ("processors, two policies", "processors",
           [Point(count, POLICIES["scrub"] + POLICIES["check"], cores=cores) for count, cores in ((1, "0"), (2, "0,1"))])


def exponent(points):
    """The slope between the last two points on logarithmic axes, of the processor time a call."""
    one, two = points[-2:]
    if one.at == 0:
        return math.nan
    cost = [statistics.median(each.processor) for each in (one, two)]
    return math.log(cost[1] / cost[0]) / math.log(two.at / one.at)


def table(drawn, rounds):
    lines = []
    for title, _, points in drawn:
        lines += [f"| {title} | processor µs a call | calls/s | p99 ms | memory MB |", "|---:|---:|---:|---:|---:|"]
        lines += [f"| {each.at:,} | {statistics.median(each.processor):,.0f} | {statistics.median(each.rates):,.0f} "
                  f"| {statistics.median(each.tail):,.1f} | {each.memory:,.0f} |" for each in points]
        if title.startswith("processors"):
            lines.append("\nThe second processor is also that of server and load.\n")
        else:
            lines.append(f"\nExponent at the end: {exponent(points):.2f}.\n")
    lines.append(f"{time.strftime('%Y-%m-%d')}, medians of {rounds} rounds.")
    return "\n".join(lines) + "\n"


def plot(drawn):
    """Small pictures, one a curve, both axes logarithmic. A dotted line is what grows with its axis."""
    drawn = [each for each in drawn if not each[0].startswith("processors")]
    rows = math.ceil(len(drawn) / 2)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-14 0 794 {190 * rows}" font-family="system-ui, sans-serif" '
             'font-size="12" role="img" aria-label="Processor time of a call against what grows">']
    for index, (title, unit, points) in enumerate(drawn):
        left, top = 60 + 390 * (index % 2), 30 + 190 * (index // 2)
        across = [math.log10(max(each.at, 0.5)) for each in points]
        up = [math.log10(statistics.median(each.processor)) for each in points]
        low, high = math.floor(min(up)), math.ceil(max(up) + 0.01)
        x = lambda value: left + 300 * (value - across[0]) / (across[-1] - across[0])
        y = lambda value: top + 110 - 110 * (value - low) / (high - low)
        line = " ".join(f"{x(a):.0f},{y(b):.0f}" for a, b in zip(across, up))
        parts.append(f'<text x="{left}" y="{top - 12}" fill="currentColor" font-weight="600">{title}</text>')
        for step in range(low, high + 1):
            parts.append(f'<text x="{left - 6}" y="{y(step) + 4:.0f}" text-anchor="end" fill="currentColor">{10 ** step:,} µs</text>'
                         f'<path d="M{left} {y(step):.0f}h300" stroke="currentColor" stroke-opacity=".15"/>')
        for each, at in zip(points, across):
            parts.append(f'<text x="{x(at):.0f}" y="{top + 126}" text-anchor="middle" fill="currentColor">{short(each.at)}</text>')
        rise = min(across[-1] - across[0], high - up[0])
        parts.append(f'<path d="M{x(across[0]):.0f} {y(up[0]):.0f}L{x(across[0] + rise):.0f} {y(up[0] + rise):.0f}" '
                     'stroke="currentColor" stroke-opacity=".5" stroke-dasharray="2 3"/>')
        parts.append(f'<polyline points="{line}" fill="none" stroke="#3b6fb6" stroke-width="2"/>')
        parts += [f'<circle cx="{x(a):.0f}" cy="{y(b):.0f}" r="3" fill="#3b6fb6"/>' for a, b in zip(across, up)]
        parts.append(f'<text x="{left + 300}" y="{top + 142}" text-anchor="end" fill="currentColor">{unit}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def short(number):
    return next((f"{number // size}{name}" for size, name in ((1_000_000, "M"), (1_000, "k")) if number >= size), str(number))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=str(ROOT / "target/shipped/sandgate"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--write", action="store_true", help="the tables into docs/performance.md, and the plot beside it")
    parser.add_argument("names", nargs="*", help="only curves whose title contains one of these")
    asked = parser.parse_args()
    drawn = [each for each in curves() if not asked.names or any(name in each[0] for name in asked.names)]
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place)
        nginx = serve(folder)
        try:
            for title, _, points in drawn:
                print(title, file=sys.stderr)
                try:
                    for port, point in enumerate(points, FIRST_PORT):
                        point.gateway(folder, port, asked.binary)
                    for _ in range(asked.rounds):
                        for point in points:
                            point.measure(asked.seconds)
                finally:
                    started = [each.measured.process for each in points if hasattr(each, "measured")]
                    for process in started:
                        process.terminate()
                    for process in started:
                        process.wait()
        finally:
            nginx.terminate()
            nginx.wait()
    said = table(drawn, asked.rounds)
    print(said)
    if asked.write:
        publish(MARKS, said, "curves.svg", plot(drawn))


if __name__ == "__main__":
    main()
