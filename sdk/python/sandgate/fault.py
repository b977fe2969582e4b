"""From an exception to what the operator is told: type, file and line of the author's own frames."""

import os
import traceback
from collections.abc import Callable
from itertools import groupby
from typing import Any

_HERE = os.path.dirname(__file__)
# Where the standard library lies, natively and in a component.
_LIBRARY = os.path.dirname(os.__file__)
_FRAMES = 10


class Misuse(Exception):
    """The plugin asks something of the SDK that cannot be."""


def place(error: BaseException, function: Callable[..., Any]) -> str:
    """Type, file, line and function, nothing of the error's own text: `ValueError at plugin.py:12 in scrub`."""
    frames = _own_frames(error)
    return f"{type(error).__qualname__} at {frames[-1] if frames else _definition(function)}"


def text(error: BaseException, function: Callable[..., Any]) -> str:
    """The error with its text, which may repeat the payload, and the author's frames, the innermost first."""
    said = "".join(traceback.format_exception_only(error)).strip()
    # One line for a function that calls itself.
    runs = [(frame, len(list(same))) for frame, same in groupby(reversed(_own_frames(error) or [_definition(function)]))]
    lines = [f"  at {frame}" + (f", {times} times" if times > 1 else "") for frame, times in runs[:_FRAMES]]
    return "\n".join([said, *lines])


def _own_frames(error: BaseException) -> list[str]:
    frames = []
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        if _is_own(code.co_filename):
            frames.append(f"{_file(code.co_filename)}:{trace.tb_lineno} in {code.co_name}")
        trace = trace.tb_next
    return frames


def _definition(function: Callable[..., Any]) -> str:
    code = getattr(function, "__code__", None)
    if code is None:
        return repr(function)
    return f"{_file(code.co_filename)}:{code.co_firstlineno} in {code.co_name}"


def _is_own(file: str) -> bool:
    return not file.startswith((_HERE, _LIBRARY, "<frozen "))


def _file(file: str) -> str:
    """The path below the folder that holds the plugin: componentize-py mounts each folder under a number."""
    parts = file.split("/")
    if len(parts) > 2 and parts[0] == "" and parts[1].isdecimal():
        return "/".join(parts[2:])
    return parts[-1]
