"""Lines in the gateway's log, under the interceptor's name. A line outlives the call: never repeat the payload.

>>> from sandgate import log, testing
>>> log.warn("the list of names is empty")
>>> testing.logs()
[('warn', 'the list of names is empty')]
"""

from sandgate.border import gateway
from sandgate.json_text import utf8


def trace(message: str) -> None:
    """Every step."""
    gateway().log("trace", utf8(message, "message"))


def debug(message: str) -> None:
    """For the author."""
    gateway().log("debug", utf8(message, "message"))


def info(message: str) -> None:
    """Good to know."""
    gateway().log("info", utf8(message, "message"))


def warn(message: str) -> None:
    """Worth a look."""
    gateway().log("warn", utf8(message, "message"))


def error(message: str) -> None:
    """Should not be."""
    gateway().log("error", utf8(message, "message"))
