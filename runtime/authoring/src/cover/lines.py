"""Runs the project's tests by pytest, and writes which lines of its files ran: lines.py FILE."""

import os
import sys
import threading
from types import CodeType, FrameType
from typing import Any

HERE = os.getcwd() + os.sep
OTHERS = ("vendor", "node_modules", "target", "venv")
ran: dict[str, set[int]] = {}


def own(file: str) -> bool:
    if not file.startswith(HERE) or not file.endswith(".py"):
        return False
    parts = file[len(HERE) :].split(os.sep)
    test = parts[-1].startswith("test_") or parts[-1].endswith("_test.py") or parts[-1] == "conftest.py"
    return not test and not any(part in OTHERS or part.startswith(".") for part in parts)


def trace(frame: FrameType, event: str, _: Any) -> Any:
    if not own(frame.f_code.co_filename):
        return None
    lines = ran.setdefault(frame.f_code.co_filename, set())

    def line(frame: FrameType, event: str, _: Any) -> Any:
        lines.add(frame.f_lineno)
        return line

    return line(frame, event, None)


def with_code(code: CodeType) -> set[int]:
    lines = {line for *_, line in code.co_lines() if line}
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            lines |= with_code(constant)
    return lines


def main() -> int:
    try:
        import pytest
    except ImportError:
        return 100
    # What pytest rewrites and what the double loads has the paths of its files.
    sys.path.insert(0, os.getcwd())
    threading.settrace(trace)
    sys.settrace(trace)
    try:
        code = int(pytest.main(["-q", "-p", "no:cacheprovider"]))
    finally:
        sys.settrace(None)
    with open(sys.argv[1], "w", encoding="utf-8") as out:
        for file in sorted(ran):
            with open(file, "rb") as source:
                lines = with_code(compile(source.read(), file, "exec", dont_inherit=True))
            out.write(f"SF:{file}\n")
            out.writelines(f"DA:{line},{int(line in ran[file])}\n" for line in sorted(lines | ran[file]))
    return code


sys.exit(main())
