"""What `sandgate plugin dev` asks at every save: the author's modules as texts, and a component with everything else in it,
which is made once and serves until something else is imported."""

import base64
import hashlib
import json
import os
import sys
import time
from importlib.metadata import version
from pathlib import Path

from sandgate import hooks
from sandgate.build import PACKAGE, asks_http, componentized, imported, laid, load_source
from sandgate.imports import HIDDEN, SITE, folders, is_module, origin, own
from sandgate.manifest import check
from sandgate.resources import Resources

COMMON = (
    "base64", "binascii", "bisect", "collections", "copy", "dataclasses", "datetime", "decimal", "difflib", "enum", "fnmatch",
    "fractions", "functools", "hashlib", "heapq", "hmac", "html", "ipaddress", "itertools", "json", "math", "operator", "random",
    "re", "secrets", "statistics", "string", "struct", "textwrap", "time", "typing", "unicodedata", "urllib.parse", "uuid",
)  # fmt: skip
"""Of the standard library: there from the start, so that importing one of them is a save like any other."""

MOST = 8
"""The most components that are kept. Projects share them."""

_ENTRY = """for name in {names!r}:
    try:
        __import__(name)
    except Exception:
        pass
{files}from sandgate.interpreter import PostCall, PreCall, Settings
"""


def made(folder: Path, interpreters: Path) -> dict[str, str]:
    """`interpreter`: where the component lies; `source`: what it is to be given. Takes ten seconds where the component has to
    be made, a fraction of one where it is there."""
    folder = folder.resolve()
    load_source(folder)
    manifest = check(folder, hooks.plugin)
    mine = own(folder)
    modules = {name: (f"/0/{file.relative_to(folder)}", file.read_text("utf-8")) for name, file in mine.items()}
    found, beside = imported(folder)
    kept = {
        f"/0/{(mine[name].parent / path).relative_to(folder)}": base64.b64encode((mine[name].parent / path).read_bytes()).decode()
        for name in mine
        for path in beside.files.pop(name, [])
    }
    names = sorted({*COMMON, *HIDDEN, *(one.name for one in [*found, *beside.modules] if is_module(one.name))})
    world, http = sorted(manifest["hooks"]), asks_http(manifest)
    interpreter = interpreters.resolve() / f"{_key(world, http, names, beside)}.wasm"
    if interpreter.is_file():
        interpreter.touch()
    else:
        interpreters.mkdir(parents=True, exist_ok=True)
        _make_room(interpreters)
        # None of the author's own: of theirs it gets the texts.
        unfinished = interpreter.with_suffix(f".new{os.getpid()}")
        entry = _ENTRY.format(names=names, files=laid(beside))
        unfinished.write_bytes(componentized(entry, world, folders(names), http=http))
        unfinished.rename(interpreter)
    source = {name: {"file": file, "text": text} for name, (file, text) in modules.items()}
    return {"interpreter": str(interpreter), "source": json.dumps({"modules": source, "files": kept})}


def _make_room(interpreters: Path) -> None:
    """Leaves those that were used last, and room for one more."""

    def used(file: Path) -> float:
        try:
            return file.stat().st_mtime
        except FileNotFoundError:  # Another process has removed it.
            return 0

    for former in sorted(interpreters.glob("*.wasm"), key=used)[: 1 - MOST]:
        former.unlink(missing_ok=True)
    for unfinished in interpreters.glob("*.new*"):
        if used(unfinished) < time.time() - 3600:
            unfinished.unlink(missing_ok=True)


def _key(world: list[str], http: bool, names: list[str], beside: Resources) -> str:
    """Another one for whatever would make another component."""
    key = hashlib.sha256(repr((world, http, names, beside.files, beside.zones, version("componentize-py"), sys.version)).encode())
    for file in sorted(PACKAGE.rglob("*.py")):
        key.update(file.read_bytes())
    for name in names:
        file = Path(origin(name.partition(".")[0]))
        if any(part in SITE for part in file.parts):
            key.update(f"{file} {file.stat().st_mtime_ns}".encode())
    return key.hexdigest()[:16]
