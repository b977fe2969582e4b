"""`plugin.toml`, checked against the decorators or written from them."""

import json
import tomllib
from pathlib import Path
from typing import Any

from sandgate.hooks import Plugin
from sandgate.settings import schema, settings_are_declared

FILE = "plugin.toml"
SCHEMA = "settings.schema.json"
"""Where `write` puts the dataclass's schema."""
SECTION = b"sandgate:manifest"
"""The custom section that holds the manifest as JSON."""


class NoManifest(Exception):
    """The manifest and the source do not agree, or one of them is missing; says what to do."""


def derived(plugin: Plugin) -> dict[str, Any]:
    """The manifest's `hooks`, as the source has them.

    >>> from sandgate.hooks import Hook
    >>> derived(Plugin([Hook("pre-call", print, ("tools/call",), "validation")]))
    {'pre-call': {'type': 'validation', 'events': ['tools/call']}}
    """
    hooks: dict[str, Any] = {}
    for hook in plugin.hooks:
        made = hooks.setdefault(hook.kind, {"type": hook.role, "events": []})
        if made["type"] != hook.role:
            raise NoManifest(f"{hook.kind}: one function is a validation, another a mutation; give both the same `type`")
        made["events"].extend(event for event in hook.events if event not in made["events"])
    if not hooks:
        raise NoManifest("the source marks no hook: put @pre_call(...) or @post_call(...) before a function")
    return hooks


def read(folder: Path) -> dict[str, Any]:
    """`plugin.toml`, as it stands."""
    file = folder / FILE
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        raise NoManifest(f"{file} is missing: it names the plugin and says what it asks for") from None
    except tomllib.TOMLDecodeError as error:
        raise NoManifest(f"{file}: {error}") from None


def check(folder: Path, plugin: Plugin) -> dict[str, Any]:
    """The manifest of the plugin in this folder, where `plugin.toml` agrees with the source: the same hooks, and a schema
    where the source declares settings (the dataclass's own where the file has none is an error: see `write`)."""
    table, hooks = read(folder), derived(plugin)
    said = {
        kind: {"type": hook.get("type"), "events": sorted(hook.get("events", []))}
        for kind, hook in table.get("hooks", {}).items()
    }
    if said != {kind: {**hook, "events": sorted(hook["events"])} for kind, hook in hooks.items()}:
        raise NoManifest(
            f"{folder / FILE}: `hooks` is not what the source marks: "
            f"{json.dumps(hooks)}; {_right(folder)}"
        )
    settings = table.get("settings")
    if settings is None and settings_are_declared():
        raise NoManifest(
            f"{folder / FILE} says nothing of the settings that the source declares; {_right(folder)}"
        )
    if isinstance(settings, str):
        try:
            table["settings"] = json.loads((folder / settings).read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise NoManifest(f"{folder / settings}: {error}") from None
        if settings == SCHEMA and settings_are_declared() and table["settings"] != schema():
            raise NoManifest(
                f"{folder / SCHEMA} is not the schema of the source's dataclass; {_right(folder)}"
            )
    elif settings is None:
        table["settings"] = schema()
    return table


def write(folder: Path, plugin: Plugin) -> None:
    """Writes the hooks of the source into `plugin.toml`, in place of those there; where the source declares settings and
    the file has no schema of its own, their schema into `settings.schema.json`."""
    table, hooks = read(folder), derived(plugin)
    lines = _without_hooks((folder / FILE).read_text("utf-8").splitlines())
    if settings_are_declared() and table.get("settings", SCHEMA) == SCHEMA:
        (folder / SCHEMA).write_text(json.dumps(schema(), ensure_ascii=False, indent=2) + "\n", "utf-8")
        if "settings" not in table:
            first = next((at for at, line in enumerate(lines) if line.lstrip().startswith("[")), len(lines))
            while first and not lines[first - 1].strip():
                first -= 1
            lines.insert(first, f"settings = {json.dumps(SCHEMA)}")
    while lines and not lines[-1].strip():
        lines.pop()
    for kind, hook in hooks.items():
        events = ", ".join(json.dumps(event) for event in hook["events"])
        lines += ["", f"[hooks.{kind}]", f"type = {json.dumps(hook['type'])}", f"events = [{events}]"]
    (folder / FILE).write_text("\n".join(lines) + "\n", "utf-8")


def _right(folder: Path) -> str:
    """The command that puts it right, as it can be typed in the plugin's folder."""
    vendored = Path(__file__).parent == (folder / "vendor" / "sandgate").resolve()
    python = next((name for name in (".venv/bin/python3", ".venv/bin/python") if (folder / name).is_file()), "python3")
    words = f"{python} -m sandgate manifest --write"
    return f"in this folder, `{'PYTHONPATH=vendor ' if vendored else ''}{words}` puts it right"


def _without_hooks(lines: list[str]) -> list[str]:
    kept, within = [], False
    for line in lines:
        word = line.strip()
        if word.startswith("["):
            within = word.startswith(("[hooks]", "[hooks."))
        if not within:
            kept.append(line)
    return kept


def embed(component: bytes, made: dict[str, Any]) -> bytes:
    """The component with the manifest at its end.

    >>> embed(b"", {})[:20]
    b'\\x00\\x14\\x11sandgate:manifest'
    """
    data = json.dumps(made, ensure_ascii=False).encode()
    body = _leb128(len(SECTION)) + SECTION + data
    return component + b"\0" + _leb128(len(body)) + body


def _leb128(number: int) -> bytes:
    out = bytearray()
    while True:
        low, number = number & 0x7F, number >> 7
        out.append(low | (0x80 if number else 0))
        if not number:
            return bytes(out)
