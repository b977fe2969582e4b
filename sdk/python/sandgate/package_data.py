"""Files beside modules, kept in memory: a component has no files once it is made. `lay` reads them while it is made; what
`importlib.resources`, `pkgutil.get_data` and `open` find later is what was read. Imported in components only."""

import builtins
import io
import os
import sys
from collections.abc import Iterator

# What `importlib.resources` imports itself at first use, when there are no files any more.
from importlib.resources import _adapters, readers  # type: ignore[attr-defined]  # noqa: F401
from importlib.resources.abc import Traversable, TraversableResources
from types import ModuleType
from typing import Any

_kept: dict[str, bytes] = {}
"""What was read, by path."""


def lay(modules: dict[str, list[str]], *, zones: bool = False) -> None:
    """Reads these files, whose paths are below the folder of the module. `zones`: those of `tzdata` are the time zones."""
    for name, files in modules.items():
        for file in files:
            path = os.path.join(_folder(sys.modules[name]), file)
            with _open(path, "rb") as opened:
                keep(path, opened.read())
    roots = {name.partition(".")[0] for name in modules}
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in roots and hasattr(module, "__path__") and module.__spec__ is not None:
            find_in_memory(module)
    if zones:
        _lay_zones(os.path.join(_folder(sys.modules["tzdata"]), "zoneinfo"))


def keep(path: str, content: bytes) -> None:
    """Puts this in place of a file."""
    _kept[os.path.normpath(path)] = content
    io.open = builtins.open = _opened


def find_in_memory(package: ModuleType) -> None:
    """A package's resources are those in memory from here on."""
    if package.__spec__ is not None:
        package.__spec__.loader = _Loader(package, package.__spec__.loader)  # type: ignore[assignment]


def _lay_zones(folder: str) -> None:
    import zoneinfo
    from zoneinfo import _common

    def load_tzdata(key: str) -> io.BytesIO:
        content = _kept.get(os.path.normpath(os.path.join(folder, key)))
        if content is None or not content.startswith(b"TZif"):
            raise zoneinfo.ZoneInfoNotFoundError(f"No time zone found with key {key}")
        return io.BytesIO(content)

    # There is no folder of zones to look into.
    zoneinfo.reset_tzpath(())
    _common.load_tzdata = load_tzdata  # type: ignore[assignment]


_open = io.open


def _opened(file: Any, mode: str = "r", *more: Any, **named: Any) -> Any:
    path = None if isinstance(file, int) else os.path.normpath(os.fsdecode(file))
    if path not in _kept or set(mode) - set("rbt"):
        return _open(file, mode, *more, **named)
    binary = io.BytesIO(_kept[path])
    if "b" in mode:
        return binary
    given = {"encoding": "utf-8"} | dict(zip(("buffering", "encoding", "errors", "newline"), more)) | named
    text = {name: given[name] for name in ("encoding", "errors", "newline") if given.get(name) is not None}
    return io.TextIOWrapper(binary, **text)


def _folder(module: ModuleType) -> str:
    return os.path.dirname(module.__file__ or "")


class _Loader:
    """A package's loader, which finds its files in memory."""

    def __init__(self, module: ModuleType, before: Any) -> None:
        self._module, self._before = module, before

    def __getattr__(self, name: str) -> Any:
        return getattr(self._before, name)

    def get_data(self, path: str) -> bytes:
        path = os.path.normpath(path)
        if path not in _kept:
            raise FileNotFoundError(f"{path}: the component has no such file")
        return _kept[path]

    def get_resource_reader(self, name: str) -> "_Reader":
        return _Reader(_Kept(_folder(self._module)))


class _Reader(TraversableResources):
    def __init__(self, root: "_Kept") -> None:
        self._root = root

    def files(self) -> "_Kept":
        return self._root


class _Kept(Traversable):
    """A file or folder in memory."""

    def __init__(self, path: str) -> None:
        self._path = os.path.normpath(path)

    @property
    def name(self) -> str:
        return os.path.basename(self._path)

    def iterdir(self) -> Iterator["_Kept"]:
        below = self._path + "/"
        for name in sorted({path[len(below) :].partition("/")[0] for path in _kept if path.startswith(below)}):
            yield _Kept(below + name)

    def is_file(self) -> bool:
        return self._path in _kept

    def is_dir(self) -> bool:
        return any(path.startswith(self._path + "/") for path in _kept)

    def joinpath(self, *parts: Any) -> "_Kept":
        return _Kept(os.path.join(self._path, *map(os.fspath, parts)))

    def __truediv__(self, part: Any) -> "_Kept":
        return self.joinpath(part)

    def read_bytes(self) -> bytes:
        with self.open("rb") as opened:
            return bytes(opened.read())

    def read_text(self, encoding: str | None = None, errors: str | None = None) -> str:
        return self.read_bytes().decode(encoding or "utf-8", errors or "strict")

    def open(self, mode: str = "r", *more: Any, **named: Any) -> Any:
        if not self.is_file():
            raise FileNotFoundError(f"{self._path}: the component has no such file")
        return _opened(self._path, mode, *more, **named)

