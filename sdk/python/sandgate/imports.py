"""What a plugin imports, found in its source. A component has no files: what is not imported when it is made, it never has."""

import ast
import importlib.machinery
import importlib.util
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import packages_distributions
from pathlib import Path

HIDDEN = (
    "_strptime", "encodings.ascii", "encodings.cp1252", "encodings.idna", "encodings.latin_1", "encodings.punycode",
    "encodings.utf_16", "encodings.utf_16_be", "encodings.utf_16_le", "encodings.utf_8_sig", "stringprep",
)  # fmt: skip
"""Of the standard library: imported by other parts of it at first use, where no source shows it."""

SITE = ("site-packages", "dist-packages")

_SOCKETS = ("socket", "ssl", "http.client", "urllib.request", "ftplib", "smtplib", "urllib3", "requests", "httpx", "aiohttp")
"""What is of no use without sockets."""


@dataclass(frozen=True, slots=True)
class Import:
    """A module that a source names."""

    name: str
    where: str
    """`FILE:LINE`."""
    needed: bool
    """It does not stand in a `try`, nor in what only type checkers read."""


def own(folder: Path) -> dict[str, Path]:
    """The plugin's own modules, by name: those that were loaded from this folder, and those that these import later."""
    mine = {name: file for name, file in _loaded() if name.partition(".")[0] != "sandgate" and _is_own(file, folder)}
    left = list(mine)
    while left:
        name = left.pop()
        for one in _of(name, mine[name]):
            for file in (f"{one.name.replace('.', '/')}.py", f"{one.name.replace('.', '/')}/__init__.py"):
                if one.name not in mine and (folder / file).is_file() and _is_own(folder / file, folder):
                    mine[one.name] = folder / file
                    left.append(one.name)
    return mine


def imports(folder: Path) -> list[Import]:
    """What the plugin that was loaded from this folder imports, at any time, and is not its own: it itself, and the packages
    that it loaded."""
    mine = own(folder)
    found: dict[str, Import] = {}
    for name, file in mine.items():
        for one in _of(name, file, folder):
            theirs = one.name not in mine and one.name.partition(".")[0] not in ("sandgate", "componentize_py", "plugin")
            if theirs and (one.name not in found or one.needed):
                found[one.name] = one
    used = {name.partition(".")[0] for name in found}
    for package in used:
        for name, file in modules_of(package).items():
            for one in _of(name, file):
                if is_module(one.name):
                    found.setdefault(one.name, Import(one.name, one.where, False))
    return list(found.values())


def modules_of(package: str) -> dict[str, Path]:
    """The modules of an installed package that were loaded, by name."""
    return {
        name: file
        for name, file in _loaded()
        if name.partition(".")[0] == package and any(part in SITE for part in file.parts)
    }


def named(text: str, file: str, module: str, package: bool) -> Iterator[Import]:
    """The modules that a source names.

    >>> for one in named("def f():\\n    import json\\ntry:\\n    import fast\\nexcept ImportError: ...", "p.py", "p", False):
    ...     print(one)
    Import(name='json', where='p.py:2', needed=True)
    Import(name='fast', where='p.py:4', needed=False)
    """
    base = module if package else module.rpartition(".")[0]
    for node, needed in _statements(ast.parse(text), True):
        where = f"{file}:{getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, where, needed)
        elif isinstance(node, ast.ImportFrom):
            parent = base.rsplit(".", node.level - 1)[0] if node.level > 1 else base
            whole = ".".join(part for part in (parent if node.level else "", node.module or "") if part)
            if whole:
                yield Import(whole, where, needed)
            for alias in node.names:
                # It may be a module of its own.
                if alias.name != "*" and whole and is_module(f"{whole}.{alias.name}"):
                    yield Import(f"{whole}.{alias.name}", where, needed)


def is_module(name: str) -> bool:
    """Whether there is one of this name here."""
    try:
        return name in sys.modules or importlib.util.find_spec(name) is not None
    except (ImportError, AttributeError, ValueError):
        return False


def folders(names: Iterable[str]) -> list[Path]:
    """Where packages lie of which one of these modules is."""
    found = set()
    for name in names:
        for part in Path(origin(name.partition(".")[0])).parents:
            if part.name in SITE:
                found.add(part)
    return sorted(found)


def native(found: Iterable[Import]) -> list[str]:
    """What is wrong with these, a line each: what a plugin needs and has native code only."""
    return [f"{one.where}: {why_not(one.name)}" for one in found if one.needed and _is_native(origin(one.name))]


def without_sockets(folder: Path) -> list[str]:
    """The lines of the plugin itself that need what opens sockets: a component can have the modules, and no socket."""
    return [
        f"{one.where}: a plugin has no sockets, and so no {one.name}: take `http` of the package sandgate"
        for name, file in own(folder).items()
        for one in _of(name, file, folder)
        if one.needed and any(one.name == root or one.name.startswith(f"{root}.") for root in _SOCKETS)
    ]


def why_not(name: str) -> str:
    """Why a component cannot have this module, which it did not find."""
    root = name.partition(".")[0]
    if _is_native(origin(name)):
        package = ", ".join(packages_distributions().get(root, [root]))
        return f"the package {package} has native code ({name}): a plugin takes packages in pure Python only"
    if _is_standard(root):
        return f"the Python in a component has no {name}"
    if is_module(name):
        return f"{name} is not what a component can import: a plugin takes packages in pure Python only"
    return f"{name} is not installed: .venv/bin/pip install, and a line in requirements.txt"


def _of(name: str, file: Path, folder: Path = Path("/")) -> Iterator[Import]:
    return named(file.read_text("utf-8", "replace"), str(file.relative_to(folder)), name, file.name == "__init__.py")


def _is_own(file: Path, folder: Path) -> bool:
    if not file.is_relative_to(folder):
        return False
    parts = file.relative_to(folder).parts
    return not (parts[0].startswith(".") or parts[0] in ("vendor", "venv") or "site-packages" in parts)


def _is_native(file: str) -> bool:
    path = Path(file)
    if not file.endswith(tuple(importlib.machinery.EXTENSION_SUFFIXES)) or not any(part in SITE for part in path.parts):
        return False
    # Some lie beside the same in Python.
    return not (path.parent / f"{path.name.partition('.')[0]}.py").is_file()


def _is_standard(root: str) -> bool:
    return root in sys.stdlib_module_names


def origin(name: str) -> str:
    """The file of a module, or its folder; empty where there is none."""
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, AttributeError, ValueError):
        return ""
    return (spec.origin or next(iter(spec.submodule_search_locations or []), "")) if spec else ""


def _loaded() -> Iterator[tuple[str, Path]]:
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file and file.endswith(".py"):
            yield name, Path(file).resolve()


def _statements(node: ast.AST, needed: bool) -> Iterator[tuple[ast.AST, bool]]:
    for child in ast.iter_child_nodes(node):
        tried = isinstance(child, ast.Try) or isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test)
        yield child, needed
        yield from _statements(child, needed and not tried)
