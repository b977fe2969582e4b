"""From an exception to what the operator is told: type, file and line of the author's own frames."""

import encodings
import os
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from typing import Any

_HERE = os.path.dirname(__file__)
# Where the standard library lies: in a component not all of it in one folder.
_LIBRARY = (os.path.dirname(os.__file__), os.path.dirname(os.path.dirname(encodings.__file__)))
# As many as the contract takes.
_FRAMES = 16


class Misuse(Exception):
    """The plugin asks something of the SDK that cannot be."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What the gateway is told of a malfunction."""

    kind: str
    """The exception's type."""
    frames: list[str]
    """The author's own, the innermost first: `plugin.py:12 in scrub`."""
    detail: str
    """The exception's text, which may repeat the payload: the operator reads it only where `fault-detail = true`."""

    def __str__(self) -> str:
        said = f"{self.kind}: {self.detail}" if self.detail else self.kind
        return "\n".join([said, *(f"  at {frame}" for frame in self.frames)])


def told(error: BaseException, function: Callable[..., Any]) -> Fault:
    """What an exception comes to. One that has no frame of the author's is told of the function that was running."""
    # One line for a function that calls itself.
    runs = [(frame, len(list(same))) for frame, same in groupby(reversed(_own_frames(error) or [definition(function)]))]
    frames = [frame + (f", {times} times" if times > 1 else "") for frame, times in runs[:_FRAMES]]
    try:
        detail = str(error)
    except Exception:
        detail = "(it cannot be put into words)"
    kind = type(error)
    named = kind.__qualname__ if kind.__module__ in ("builtins", "__main__", "plugin") else f"{kind.__module__}.{kind.__qualname__}"
    return Fault(named, frames, detail)


def _own_frames(error: BaseException) -> list[str]:
    frames = []
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        if _is_own(code.co_filename):
            frames.append(f"{_file(code.co_filename)}:{trace.tb_lineno} in {code.co_name}")
        trace = trace.tb_next
    return frames


def definition(function: Callable[..., Any]) -> str:
    """Where a function is defined, as a frame."""
    code = getattr(function, "__code__", None)
    if code is None:
        return repr(function)
    return f"{_file(code.co_filename)}:{code.co_firstlineno} in {code.co_name}"


def _is_own(file: str) -> bool:
    return not file.startswith((_HERE, *_LIBRARY, "<frozen "))


def _file(file: str) -> str:
    """The path below the folder that holds the plugin: componentize-py mounts each folder under a number."""
    parts = file.split("/")
    if len(parts) > 2 and parts[0] == "" and parts[1].isdecimal():
        return "/".join(parts[2:])
    return parts[-1]
