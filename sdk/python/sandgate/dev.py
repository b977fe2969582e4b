"""What `sandgate plugin dev` asks at every save: the author's modules as texts, and a component with everything else in it,
which is made once and serves until something else is imported."""

import ast
import hashlib
import importlib.util
import json
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from pathlib import Path

from sandgate import hooks
from sandgate.build import PACKAGE, asks_http, componentized, load_source
from sandgate.manifest import check

COMMON = (
    "base64", "binascii", "bisect", "collections", "copy", "dataclasses", "datetime", "decimal", "difflib", "enum", "fnmatch",
    "fractions", "functools", "hashlib", "heapq", "hmac", "html", "ipaddress", "itertools", "json", "math", "operator", "random",
    "re", "secrets", "statistics", "string", "struct", "textwrap", "time", "typing", "unicodedata", "urllib.parse", "uuid",
)  # fmt: skip
"""Of the standard library: there from the start, so that importing one of them is a save like any other."""

_ENTRY = """for name in {names!r}:
    try:
        __import__(name)
    except Exception:
        pass
from sandgate.interpreter import PostCall, PreCall, Settings
"""


def made(folder: Path, interpreters: Path) -> dict[str, str]:
    """`interpreter`: where the component lies; `source`: what it is to be given. Takes ten seconds where the component has to
    be made, a fraction of one where it is there."""
    folder = folder.resolve()
    load_source(folder)
    manifest = check(folder, hooks.plugin)
    modules = dict(_own(folder))
    names = sorted({*COMMON, *_imported(modules.values(), set(modules))})
    world, http = sorted(manifest["hooks"]), asks_http(manifest)
    interpreter = interpreters.resolve() / f"{_key(world, http, names)}.wasm"
    if not interpreter.is_file():
        interpreters.mkdir(parents=True, exist_ok=True)
        for former in interpreters.glob("*.wasm"):
            former.unlink()
        # None of the author's own: of theirs it gets the texts.
        unfinished = interpreter.with_suffix(".new")
        unfinished.write_bytes(componentized(_ENTRY.format(names=names), world, [], http=http))
        unfinished.rename(interpreter)
    source = {name: {"file": file, "text": text} for name, (file, text) in modules.items()}
    return {"interpreter": str(interpreter), "source": json.dumps(source)}


def _own(folder: Path) -> Iterator[tuple[str, tuple[str, str]]]:
    """The modules that were loaded from this folder, by name: the file as componentize-py would name it, and the text."""
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if not file or not file.endswith(".py"):
            continue
        path = Path(file).resolve()
        if not path.is_relative_to(folder) or name.partition(".")[0] == "sandgate":
            continue
        below = path.relative_to(folder)
        if below.parts[0].startswith(".") or below.parts[0] in ("vendor", "venv") or "site-packages" in below.parts:
            continue
        yield name, (f"/0/{below}", path.read_text("utf-8"))


def _imported(sources: Iterable[tuple[str, str]], own: set[str]) -> Iterator[str]:
    """What these import when they are loaded, and is not theirs."""
    for _, text in sources:
        for node in _loading(ast.parse(text)):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                # What is imported from it may be a module of its own.
                names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names if alias.name != "*")]
            else:
                continue
            for name in names:
                if name.partition(".")[0] not in {"sandgate", *(mine.partition(".")[0] for mine in own)} and _is_module(name):
                    yield name


def _loading(node: ast.AST) -> Iterator[ast.AST]:
    """Everything that runs when a module is loaded: not what stands in its functions."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield child
            yield from _loading(child)


def _is_module(name: str) -> bool:
    try:
        return name in sys.modules or importlib.util.find_spec(name) is not None
    except (ImportError, AttributeError, ValueError):
        return False


def _key(world: list[str], http: bool, names: list[str]) -> str:
    """Another one for whatever would make another component."""
    key = hashlib.sha256(repr((world, http, names, version("componentize-py"), sys.path)).encode())
    for file in sorted(PACKAGE.rglob("*.py")):
        key.update(file.read_bytes())
    for name in names:
        origin = getattr(sys.modules.get(name.partition(".")[0]), "__file__", None)
        if isinstance(origin, str) and "site-packages" in origin:
            key.update(f"{origin} {Path(origin).stat().st_mtime_ns}".encode())
    return key.hexdigest()[:16]
