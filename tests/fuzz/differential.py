#!/usr/bin/env python3
"""Feeds the same bytes to the gateway's parsers and to those of real clients and servers, and fails where one of them
reads something that the gateway did not: a message, a member, a name, a host.

That the gateway refuses what others read is fine. What it accepts, the others are given as the gateway would send it on.

usage: differential.py READ PEERS INPUTS SECONDS [KIND...]

READ is the example `read` of runtime/gateway, PEERS where tests/peers/install put them, INPUTS a folder where generated
inputs of the fuzzer lie, by target (it need not exist). What is found is written to INPUTS/found.
"""

import collections
import hashlib
import ipaddress
import json
import os
import pathlib
import posixpath
import random
import re
import struct
import subprocess
import sys
import time
import urllib.parse

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]

# Of each kind: which targets' inputs are cases, and how many of their first bytes are not part of the text.
KINDS = {
    "j": {"json": 0, "message": 0, "splice": 2},
    "m": {"message": 0, "json": 0},
    "s": {"sse": 1},
    "h": {"fields": 1},
    "o": {"fields": 1},
    "u": {"uri": 0},
}

SEPARATORS = ["\n", "\r", "\r\n", "\v", "\f", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029", "\n\n", "\u2028\u2028", "\ufeff"]
FORGED = '{"jsonrpc":"2.0","id":1,"result":{"forged":true}}'
PIECES = {
    "j": ["{", "}", "[", "]", ",", ":", '"', "\\", "\\u0000", "\\ud83d", "\\ude00", "\\u2028", "__proto__", "constructor", '"a"', "1e400",
          "-0", "1E5", "9007199254740993", "0.1", "NaN", "null", "true", "\x7f", "\x00", "//x\n", "/**/"],
    "m": ['"id":', '"method":', '"params":', '"result":', '"error":', '"jsonrpc":"2.0",', '"__proto__":{"name":"x"},', '"constructor":1,',
          '"name":"x",', '"n\\u0061me":"y",', "null", "1.0", '"1"', "true", "{}", "[]", "-32000"],
    "s": ["data:", "data: ", "data", "event: message", "event:", "event: x", "id: ", "id: 7", "retry: 1", ": ", ":", f"data: {FORGED}", "\x00"],
    "h": ["=?base64?", "?=", "=?BASE64?", "YQ==", "YR==", "YQ", "4pyT", "_-", "+/", "=", " ", "\t"],
    "o": ["localhost", "127.0.0.1", "[::1]", ":80", ":", "@", "/", "\\", "#", "?", "%2e", ".", "0", "0x7f", "[::ffff:127.0.0.1]", "http://",
          "https://", "\n", "evil.example", "。", "[", "]", "%", "::1", "1"],
    "u": ["..", ".", "/", "//", "\\", "%2e", "%2E%2e", "%2f", "%5c", "%25", "%252e", "%00", "%09", "\t", " ", "?", "#", ";", ":", "|", "@", "localhost",
          "FILE:", "file:", "C:", "shut", "payroll", "%73", "é", "%c3%a9", "．．", "\x00"],
}
SEEDS = {
    "m": ['{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","arguments":{"b":["c",1.5,null]},"_meta":{"progressToken":"p"}}}',
          '{"jsonrpc":"2.0","id":"x","result":{"content":[{"type":"text","text":"one"}],"isError":false}}',
          '{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"m","data":{"x":1}}}',
          '{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"d"}}'],
    "s": [f"event: message\nid: 1\ndata: {FORGED.replace('forged', 'real')}\n\n",
          ': keep\n\ndata: {"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"d"}}\n\n'],
    "h": ["find", "=?base64?5LiW55WM?=", "=?base64??=", "=?base64?="],
    "o": ["localhost:8808", "127.0.0.1:80\nhttp://localhost:3000", "[::1]:80\nhttps://[::1]"],
    "u": ["file:///open/a.txt", "file:///open/../shut/payroll", "file:///open/%2e%2e/shut/payroll", "file://localhost/shut/x", "file:/shut/x"],
}


class Reader:
    """A program that says what it reads."""

    def __init__(self, name, command):
        self.name = name
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def read(self, kind, data):
        self.process.stdin.write(struct.pack(">cI", kind.encode(), len(data)) + data)
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{self.name} died of a case of kind {kind}: {data!r}")
        return json.loads(line)


def within(theirs, ours):
    """Whether all that they read was read here too."""
    if not isinstance(theirs, list) or not isinstance(ours, list):
        return theirs == ours
    if not theirs or not ours or theirs[0] != ours[0]:
        return False
    if theirs[0] == "o":
        known = {name: value for name, value in ours[1]}
        return all(name in known and within(value, known[name]) for name, value in theirs[1])
    if theirs[0] == "a":
        return len(theirs[1]) == len(ours[1]) and all(map(within, theirs[1], ours[1]))
    return theirs == ours


def same_message(theirs, ours):
    payload = theirs["payload"]
    if theirs["kind"] == "error":
        # Some readers make a number of the code, whatever it is.
        payload = ["o", [member for member in payload[1] if member[0] != "code"]]
    heads = ["kind", "id", "method"]
    if (ours["kind"], ours["odd_id"], theirs["kind"]) == ("request", True, "notification"):
        # To the modern Python SDK an id such as 1.0 is none, so it answers nothing. Policies see the same method and params.
        heads = ["method"]
    return all(theirs[head] == ours[head] for head in heads) and within(payload, ours["payload"])


def in_order(theirs, ours):
    """Whether each of their messages is one of ours, in our order."""
    left = iter(ours)
    return all(any(same_message(one, other) for other in left) for one in theirs)


def ids_in(stream):
    lines = stream.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return {line[3:].removeprefix(" ") for line in lines if line.startswith("id:")}


def is_here(host):
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address((host or "").strip("[]"))
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None) or address
    return mapped.is_loopback or str(address) == "192.0.2.7"


def path_of(text):
    """Of a file, whatever its spelling: decoded until nothing changes, and without dots."""
    for _ in range(64):
        text, before = urllib.parse.unquote(text, errors="surrogateescape"), text
        if text == before:
            break
    text = re.sub(r"[\t\r\n]", "", text).replace("\\", "/")
    return posixpath.normpath("/" + text.lstrip("/"))


def agree(kind, ours, theirs):
    if kind == "j":
        return within(theirs, ours["read"]) and within(ours["read"], theirs)
    if kind == "m":
        return in_order(theirs, ours["read"])
    if kind == "s":
        known = ids_in(ours["onward"])
        return in_order(theirs["messages"], ours["read"]) and all(one in known for one in theirs["ids"])
    if kind == "h":
        return theirs is None or theirs == ours["read"]
    if kind == "u":
        # One path for all spellings is the point: only which path it is counts.
        return path_of(theirs) == path_of(re.sub("^file://[^/]*", "", ours["read"]))
    return all(map(is_here, theirs))


def seeds(kind, inputs):
    """Those that somebody wrote, and those that the fuzzer generated."""
    own, generated = [text.encode() for text in SEEDS.get(kind, [])], []
    for target, skipped in KINDS[kind].items():
        kept = [REPOSITORY / f"runtime/{crate}/fuzz/corpus/{target}" for crate in ("message", "gateway")]
        for folder, into in [*((folder, own) for folder in kept), (inputs / target, generated)]:
            if folder.is_dir():
                into += [file.read_bytes()[skipped:] for file in sorted(folder.iterdir()) if file.is_file()]
    return own, generated


NAMES = ["a", "name", "uri", "arguments", "_meta", "id", "method", "__proto__", "constructor", "toString", "", "0", "a.b", "/", "~1", "\u2028", "é"]


def written(text, chance):
    """A string of JSON, some characters as escapes."""
    parts = []
    for unit in json.dumps(text, ensure_ascii=chance.random() < 0.3)[1:-1]:
        plain = unit.isalnum() and not (parts and parts[-1].endswith("\\"))
        parts.append(f"\\u{ord(unit):04x}" if plain and ord(unit) < 0x10000 and chance.random() < 0.05 else unit)
    return '"' + "".join(parts) + '"'


def value(chance, depth=3):
    """Some JSON, spelt in odd ways."""
    blank = chance.choice(["", "", "", " ", "\n", "\t"])
    what = chance.randrange(8 if depth else 5)
    if what == 0:
        return chance.choice(["null", "true", "false"])
    if what == 1:
        return chance.choice(["0", "-0", "1", "1.0", "1e2", "1E-2", "-0.0", "9007199254740993", "1e400", "123456789012345678901234567890"])
    if what < 5:
        text = "".join(chance.choice([*NAMES, *SEPARATORS, "x", '"', "\\", "\x7f", "😀"]) for _ in range(chance.randrange(4)))
        return written(text, chance)
    if what == 5:
        return f"[{blank}" + f",{blank}".join(value(chance, depth - 1) for _ in range(chance.randrange(4))) + "]"
    return table(chance, chance.sample(NAMES, chance.randrange(5)), depth - 1)


def table(chance, names, depth, fixed=()):
    members = [*fixed, *(f"{written(name, chance)}:{value(chance, depth)}" for name in names)]
    chance.shuffle(members)
    return "{" + ",".join(members) + chance.choice(["}", "}", " }", "\n}"])


def envelope(chance):
    """A message, most times."""
    fixed = ['"jsonrpc":"2.0"']
    if chance.random() < 0.8:
        fixed.append('"id":' + chance.choice(["1", '"x"', "0", "-1", "1.0", "null", "9007199254740993", '"\\u0061"', "1e2"]))
    kind = chance.randrange(8)
    if kind < 5:
        fixed.append('"method":' + written(chance.choice(["tools/call", "resources/read", "notifications/x", "x"]), chance))
        if kind:
            fixed.append('"params":' + table(chance, chance.sample(NAMES, chance.randrange(5)), 2))
    elif kind < 7:
        fixed.append('"result":' + value(chance))
    else:
        fixed.append('"error":' + table(chance, chance.sample(NAMES, chance.randrange(2)), 1, ('"code":-1', '"message":"m"')))
    return table(chance, chance.sample(NAMES[5:], chance.choice([0, 0, 0, 1])), 1, fixed)


def mutated(kind, seeds, chance):
    made = {"j": value, "m": envelope}.get(kind)
    if made and chance.random() < 0.7:
        data = made(chance).encode()
        if chance.random() < 0.7:
            return data
    else:
        data = chance.choice(seeds)
    if chance.random() < 0.2:
        other = chance.choice(seeds)
        data = data[: chance.randrange(len(data) + 1)] + other[chance.randrange(len(other) + 1):]
    for _ in range(chance.choice([1, 1, 1, 2, 3, 5])):
        at = chance.randrange(len(data) + 1)
        what = chance.random()
        if what < 0.5:
            piece = chance.choice(PIECES[kind])
            if chance.random() < 0.4:
                piece = chance.choice(SEPARATORS) + piece + chance.choice(["", *SEPARATORS])
            data = data[:at] + piece.encode() + data[at:]
        elif what < 0.65:
            data = data[:at] + chance.choice(SEPARATORS).encode() + data[at:]
        elif what < 0.8:
            data = data[:at] + data[at + chance.randrange(1, 8):]
        elif what < 0.9:
            size = chance.randrange(1, 40)
            data = data[:at] + data[at: at + size] * 2 + data[at + size:]
        else:
            data = data[:at] + bytes([chance.randrange(256)]) + data[at + 1:]
    return data[:4096]


def main():
    ours, peers, inputs, seconds, *kinds = sys.argv[1:]
    peers, inputs = pathlib.Path(peers).resolve(), pathlib.Path(inputs)
    here = pathlib.Path(__file__).parent
    node = peers / "node_modules/.bin/node"
    gateway = Reader("the gateway", [ours])
    others = [
        *(Reader(f"Python, {age}", [peers / age / "bin/python", "-B", here / "reader.py"]) for age in ("legacy", "modern")),
        Reader("Node", [node if node.exists() else "node", here / "reader.mjs", peers]),
    ]
    found = inputs / "found"
    seed = int(os.environ.get("SEED", "1"))
    wrong = 0
    kinds = kinds or list(KINDS)
    for kind in kinds:
        chance = random.Random(f"{seed} {kind}")
        own, generated = seeds(kind, inputs)
        waiting = own + generated
        tried = accepted = differing = 0
        reads = collections.Counter()
        until = time.monotonic() + float(seconds) / len(kinds)
        while waiting or time.monotonic() < until:
            data = waiting.pop() if waiting else mutated(kind, chance.choice([own, generated or own]), chance)
            tried += 1
            reading = gateway.read(kind, data)
            if reading is None:
                continue
            accepted += 1
            onward = reading["onward"]
            if kind == "h":
                onward = json.dumps({"header": onward, "text": reading["read"]})
            for other in others:
                for parser, theirs in other.read(kind, onward.encode()):
                    reads[f"{other.name}, {parser}"] += 1
                    if agree(kind, reading, theirs):
                        continue
                    differing += 1
                    found.mkdir(parents=True, exist_ok=True)
                    (found / f"{kind}-{hashlib.sha256(data).hexdigest()[:16]}").write_bytes(data)
                    if differing <= 10:
                        print(f"{kind}: {data!r}\n  sent on: {onward!r}\n  read here: {reading['read']}\n"
                              f"  by {other.name}, {parser}: {theirs}")
        print(f"{kind}: {tried} cases, {accepted} accepted, {differing} read otherwise; "
              + ", ".join(f"{parser}: {count}" for parser, count in sorted(reads.items())), flush=True)
        wrong += differing
    sys.exit(f"{wrong} readings differ: see {found}" if wrong else 0)


main()
