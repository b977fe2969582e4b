"""The exports of a component without a plugin in it: the source comes with the settings, from the section of the component
that `sandgate plugin dev` writes it to. So a save needs no new component, and no new machine code. Imported in such components
only."""

import base64
import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from types import CodeType, ModuleType
from typing import Any

from componentize_py_types import Err
from wit_world.exports import settings as wit_settings

from sandgate import fault, package_data, still
from sandgate.component import PostCall, PreCall, configure_plugin
from sandgate.json_text import from_json

__all__ = ["PostCall", "PreCall", "Settings"]


class Settings:
    """The export `settings`."""

    def configure(self, settings: str) -> None:
        given = from_json(settings)
        source = from_json(given["source"])
        for path, content in source["files"].items():
            package_data.keep(path, base64.b64decode(content))
        sys.meta_path.insert(0, _Source(source["modules"]))
        try:
            import plugin  # type: ignore[import-not-found]  # noqa: F401
        except BaseException as error:
            raise Err([wit_settings.Issue("", str(fault.told(error, self.configure)))]) from None
        configure_plugin(given["settings"])


class _Source(MetaPathFinder, Loader):
    """The author's own modules, as texts."""

    def __init__(self, modules: dict[str, dict[str, str]]) -> None:
        self._modules = modules

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        module = self._modules.get(name)
        if module is None:
            return None
        return spec_from_loader(name, self, origin=module["file"], is_package=module["file"].endswith("/__init__.py"))

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        source = self._modules[module.__name__]
        module.__file__ = source["file"]
        if source["file"].endswith("/__init__.py"):
            package_data.find_in_memory(module)
        code: CodeType = compile(source["text"], source["file"], "exec")
        exec(code, module.__dict__)


# What stands now is there at the start of every run.
still.settle(deeply=True)
