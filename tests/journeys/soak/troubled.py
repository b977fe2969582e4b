"""A real server on stdio that can be troubled: `troubled.py NAME COMMAND ARG…` passes every line on in both directions.

SIGUSR1: lines that are no messages, on stdout. SIGUSR2: a flood of stderr, and of notifications on stdout. SIGSTOP and
SIGKILL do what they always do.
"""

import signal
import subprocess
import sys
import threading

_, name, *command = sys.argv
server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
out, one_at_a_time = sys.stdout.buffer, threading.Lock()
NOTICE = b'{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"flood of %d"}}\n'


def say(line):
    with one_at_a_time:
        out.write(line)
        out.flush()


def garbage(*_):
    for line in [b"npm warn deprecated\n", b"\n", b"{]\n", b"\xff\xfe\n", b'"text"\n', b"[" * 5000 + b"\n"]:
        say(line)


def flood(*_):
    for n in range(5000):
        sys.stderr.write(f"{name} floods its log, line {n}\n")
    for n in range(500):
        say(NOTICE % n)


def forward():
    for line in server.stdout:
        say(line)


signal.signal(signal.SIGUSR1, lambda *_: threading.Thread(target=garbage).start())
signal.signal(signal.SIGUSR2, lambda *_: threading.Thread(target=flood).start())
threading.Thread(target=forward, daemon=True).start()
for line in sys.stdin.buffer:
    server.stdin.write(line)
    server.stdin.flush()
server.stdin.close()
try:
    server.wait(5)
except subprocess.TimeoutExpired:
    server.kill()
