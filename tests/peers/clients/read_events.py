"""Reads a recorded stream of events as `httpx-sse` on `httpx` does, and prints the data of every message in JSON.

Takes one argument, the file with the stream's bytes.
"""

import json
import sys

import httpx
from httpx_sse import EventSource


def main(path):
    with open(path, "rb") as stream:
        response = httpx.Response(200, headers={"content-type": "text/event-stream"}, content=stream.read())
    # As the SDK does: an event without a name is a message.
    events = [event for event in EventSource(response).iter_sse() if event.event in ("", "message")]
    print(json.dumps([event.data for event in events if event.data]))


main(sys.argv[1])
