"""What modules need beside other modules: their data files, the time zones, and the codecs that they name. A component has what
is there when it is made, so what is missing is told then."""

import ast
import codecs
import encodings
import encodings.aliases
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sandgate.imports import Import, is_module, modules_of, origin, own

_MOST = 8 << 20
"""Bytes of one package's files."""
_ASKS = re.compile(r"importlib[._]resources|from importlib import .*resources|pkgutil")
_READS = re.compile(rf"{_ASKS.pattern}|__file__")
_CODE = (".py", ".pyc", ".pyi", ".so", ".pyd", ".dll", ".dylib", ".c", ".h", ".pyx", ".typed")
_TAKE_CODECS = ("encode", "decode", "open", "read_text", "write_text", "lookup", "getreader", "getdecoder", "getencoder", "bytes", "str")


class NotThere(Exception):
    """What cannot travel, and what to do; a line each."""


@dataclass
class Resources:
    """What goes into a component beside modules."""

    files: dict[str, list[str]] = field(default_factory=dict)
    """Files by the module that they lie beside, as paths below its folder."""
    modules: list[Import] = field(default_factory=list)
    """Modules that no import names."""
    zones: bool = False
    """The time zones are those of the package `tzdata`."""


def resources(folder: Path, found: Iterable[Import]) -> Resources:
    """What the plugin that was loaded from this folder needs, by its own sources and those of what it imports (`found`)."""
    made, missing = Resources(), []
    mine = own(folder)
    reads, asks = (any(pattern.search(text) for text in _texts(mine)) for pattern in (_READS, _ASKS))
    for name, file in mine.items():
        text = file.read_text("utf-8", "replace")
        made.modules += _codecs(text, str(file.relative_to(folder)))
        if file.name == "__init__.py" and "." not in name and reads:
            made.files[name] = _below(file.parent, name, True)
        elif file.name != "__init__.py" and _READS.search(text):
            made.files[name] = [path for path in _below(file.parent, name, False) if _is_named(path, text)]
    roots = {one.name.partition(".")[0] for one in found}
    zones = next((one for one in found if one.name.partition(".")[0] == "zoneinfo"), None)
    if zones and is_module("tzdata"):
        made.zones = True
        made.modules.append(Import("tzdata", zones.where, False))
        made.files["tzdata"] = _below(Path(origin("tzdata")).parent, "tzdata", True)
    elif zones and zones.needed:
        missing.append(
            f"{zones.where}: {zones.name} needs the time zones, and a component has none: "
            ".venv/bin/pip install tzdata, and a line in requirements.txt"
        )
    for root in sorted(roots - {"tzdata", *sys.stdlib_module_names}):
        theirs = modules_of(root)
        for file in theirs.values():
            made.modules += [Import(one.name, one.where, False) for one in _codecs(file.read_text("utf-8", "replace"), str(file))]
        package = theirs.get(root)
        texts = list(_texts(theirs))
        if package is not None and package.name == "__init__.py" and (asks or any(map(_READS.search, texts))):
            try:
                made.files[root] = _below(package.parent, root, any(map(_ASKS.search, texts)))
            except NotThere as error:
                missing.append(str(error))
    made.files = {name: files for name, files in made.files.items() if files}
    if missing:
        raise NotThere("\n".join(missing))
    return made


def _below(folder: Path, name: str, all_of_it: bool) -> list[str]:
    """The data files below a package's folder, or beside a module. More than fit are left out, where nothing may ask for them."""
    within = folder.rglob("*") if all_of_it or (folder / "__init__.py").is_file() else folder.glob("*")
    files = [path for path in sorted(within) if path.is_file() and _is_data(path.relative_to(folder))]
    size = sum(path.stat().st_size for path in files)
    if size <= _MOST:
        return [str(path.relative_to(folder)) for path in files]
    if not all_of_it:
        return []
    raise NotThere(f"the package {name} reads its own files, {size >> 20} MiB: a component takes {_MOST >> 20} MiB of a package")


def _is_data(path: Path) -> bool:
    hidden = any(part.startswith((".", "__pycache__")) or part in ("test", "tests") for part in path.parts)
    return path.suffix not in _CODE and not hidden


def _is_named(file: str, text: str) -> bool:
    return re.search(rf"""["'/]{re.escape(file)}["']""", text) is not None


def _texts(modules: dict[str, Path]) -> Iterator[str]:
    return (file.read_text("utf-8", "replace") for file in modules.values())


def _codecs(text: str, file: str) -> Iterator[Import]:
    """The modules of the codecs that are named in calls.

    >>> for one in _codecs("def f(b):\\n    return b.decode('windows-1252')", "p.py"):
    ...     print(one)
    Import(name='encodings.cp1252', where='p.py:2', needed=True)
    """
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Call):
            continue
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        given = node.args if called in _TAKE_CODECS else []
        for argument in [*given, *(word.value for word in node.keywords if word.arg == "encoding")]:
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str) and (module := _codec(argument.value)):
                yield Import(module, f"{file}:{argument.lineno}", True)


def _codec(name: str) -> str | None:
    try:
        codecs.lookup(name)
    except (LookupError, ValueError):
        return None
    word = encodings.normalize_encoding(name).lower()
    module = f"encodings.{encodings.aliases.aliases.get(word, word)}"
    return module if is_module(module) else None
