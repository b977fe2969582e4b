"""From a folder with `plugin.py` and `plugin.toml` to a component, by componentize-py."""

import re
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sandgate import hooks
from sandgate.imports import HIDDEN, Import, folders, imports, native, own, why_not, without_sockets
from sandgate.manifest import check, embed
from sandgate.resources import NotThere, Resources, resources
from sandgate.testing import load

SOURCE = "plugin.py"
PACKAGE = Path(__file__).parent
_WORLDS = {
    ("pre-call",): "pre-call-interceptor",
    ("post-call",): "post-call-interceptor",
    ("post-call", "pre-call"): "interceptor",
}
# componentize-py takes a module that has the exports; the plugin's own has only the marked functions.
_ENTRY = """import plugin
for name, where in {late!r}:
    try:
        __import__(name)
    except ImportError as error:
        if where:
            raise ImportError(f"{{where}}: {{error}}", name=error.name) from None
from sandgate import still
from sandgate.component import PostCall, PreCall, Settings
{files}still.know(object.__subclasses__())
still.settle(deeply=True)
"""
_FILES = """from sandgate import package_data
package_data.lay({files!r}, zones={zones!r})
"""
_HTTP = "import sandgate.component_http\n"
# The package has no `__main__`, and its script may not be on the PATH.
_COMPONENTIZE = "import sys, componentize_py; sys.argv[0] = 'componentize-py'; sys.exit(componentize_py.script())"


class NotBuilt(Exception):
    """Why there is no component; says what to do."""


def load_source(folder: Path) -> None:
    """Loads the source natively, so that what it marks is known."""
    source = folder / SOURCE
    if not source.is_file():
        raise NotBuilt(f"{source} is missing: the plugin's source has this name")
    try:
        load(source)
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in frames if Path(frame.filename).is_relative_to(folder.resolve())]
        shown = "".join(traceback.format_list(own) + traceback.format_exception_only(error)).rstrip()
        raise NotBuilt(f"{source} does not load:\n{shown}") from None


def build(folder: Path, output: Path | None = None, *, bare: bool = False) -> Path:
    """Makes the component and says where it lies. Takes about ten seconds."""
    folder = folder.resolve()
    load_source(folder)
    made = check(folder, hooks.plugin)
    output = (output or folder / f"{made.get('name', folder.name)}.wasm").resolve()
    output.parent.mkdir(parents=True, exist_ok=True)
    found, beside = imported(folder)
    needed = [(one.name, one.where if one.needed else "") for one in [*found, *beside.modules]]
    late = [(name, "") for name in own(folder)] + needed
    entry = _ENTRY.format(late=[*((name, "") for name in HIDDEN), *late], files=laid(beside))
    component = componentized(entry, made["hooks"], [folder, *folders(name for name, _ in late)], http=asks_http(made))
    output.write_bytes(component if bare else embed(component, made))
    return output


def imported(folder: Path) -> tuple[list[Import], Resources]:
    """What the plugin loaded from this folder imports, at any time, and what it needs beside; all of it is such as a component
    can have."""
    found = imports(folder)
    lines = [*without_sockets(folder), *native(found)]
    try:
        beside = resources(folder, found)
    except NotThere as error:
        lines.append(str(error))
    if lines:
        raise NotBuilt("\n".join(lines))
    return found, beside


def laid(beside: Resources) -> str:
    """The statements by which a component keeps these files; none where there are no files."""
    return _FILES.format(files=beside.files, zones=beside.zones) if beside.files else ""


def asks_http(manifest: dict[str, Any]) -> bool:
    """Whether a manifest asks for HTTP: only then is it imported."""
    return "http" in manifest.get("asks", {})


def componentized(source: str, hooks: Iterable[str], folders: Iterable[Path], *, http: bool) -> bytes:
    """A component with these hooks, whose exports this source has; it imports from these folders."""
    with tempfile.TemporaryDirectory() as scratch:
        entry = Path(scratch) / "entry"
        entry.mkdir()
        world = _WORLDS[tuple(sorted(hooks))] + ("-with-http" if http else "")
        (entry / "sandgate_entry.py").write_text(_HTTP + source if http else source, "utf-8")
        component = Path(scratch) / "component.wasm"
        command = [
            sys.executable, "-c", _COMPONENTIZE,
            "--quiet", "-d", str(PACKAGE / "wit"), "-w", world,
            "componentize", "sandgate_entry", "-o", str(component),
            *(part for folder in (*folders, entry, PACKAGE.parent) for part in ("-p", str(folder))),
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise NotBuilt(_clean(done.stdout + done.stderr))
        return component.read_bytes()


def _clean(text: str) -> str:
    """What went wrong in the author's source: the author's frames, of those there are, and what the exception says.

    >>> print(_clean('''Traceback (most recent call last):
    ...   File "<string>", line 1, in <module>
    ... AssertionError: Traceback (most recent call last):
    ...   File "/1/sandgate_entry.py", line 1, in <module>
    ...     import plugin
    ...   File "/0/plugin.py", line 4, in <module>
    ...     import mmap
    ...     ^^^^^^^^^^^
    ...   File "/python/importlib/__init__.py", line 88, in import_module
    ...     return _bootstrap._gcd_import(name[level:], package, level)
    ... ModuleNotFoundError: No module named 'mmap'
    ...
    ... Caused by:
    ...     ModuleNotFoundError: No module named 'mmap'
    ...
    ... Stack backtrace:
    ...    0: anyhow::error'''))
      File "plugin.py", line 4, in <module>
        import mmap
        ^^^^^^^^^^^
    ModuleNotFoundError: No module named 'mmap'
    the Python in a component has no mmap
    """
    if "No module named 'componentize_py'" in text:
        return "componentize-py is not installed: python3 -m venv .venv && .venv/bin/pip install -r requirements.txt"
    text = text.partition("AssertionError: ")[2] or text
    for tail in ("\nCaused by:", "\nStack backtrace:"):
        text = text.partition(tail)[0]
    text = re.sub(r'  File "/\d+/sandgate_entry.py".*\n(    .*\n)*', "", text)
    if '  File "/0/' in text:
        text = re.sub(r'  File "(?!/0/).*\n(    .*\n)*', "", text).replace("Traceback (most recent call last):\n", "")
    text = re.sub(r'File "/\d+/', 'File "', text).rstrip()
    missing = re.search(r"No module named '([^']+)'$", text)
    return f"{text}\n{why_not(missing[1])}" if missing else text
