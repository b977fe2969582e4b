"""The manifest beside the plugin that is tested: what it does not say the gateway does not do."""

from pathlib import Path
from typing import Any

from sandgate import hooks
from sandgate.manifest import FILE, check

_read: dict[tuple[Path, int, int], dict[str, Any]] = {}


def asks() -> set[str] | None:
    """What the manifest asks for; None where there is no manifest, as for hooks that a test makes itself. Raises where it does
    not say of the hooks what the source does: the gateway goes by the manifest."""
    folders = {_folder(hook) for hook in hooks.plugin.hooks}
    folder = folders.pop() if len(folders) == 1 else None
    if folder is None or not (folder / FILE).is_file():
        return None
    # Other hooks, or a manifest that was changed, are another plugin.
    key = (folder, (folder / FILE).stat().st_mtime_ns, hash(tuple((hook.kind, hook.events, hook.role) for hook in hooks.plugin.hooks)))
    if key not in _read:
        _read[key] = check(folder, hooks.plugin)
    return set(_read[key].get("asks", {}))


def _folder(hook: hooks.Hook) -> Path | None:
    code = getattr(hook.function, "__code__", None)
    file = Path(code.co_filename) if code is not None else Path()
    return file.parent if file.name == "plugin.py" else None
