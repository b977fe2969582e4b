"""What a plugin imports is found where it stands, so that a component has it when it runs."""

from importlib.machinery import EXTENSION_SUFFIXES

import pytest

from sandgate.imports import folders, imports, named, native, own, why_not, without_sockets
from sandgate.testing import load

SOURCE = """
from typing import TYPE_CHECKING
import json
if TYPE_CHECKING:
    import decimal

def check(ctx, params):
    import colorsys
    from xml.etree import ElementTree
    from helper import help
    try:
        import mmap
    except ImportError:
        mmap = None
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "plugin.py").write_text(SOURCE)
    (tmp_path / "helper.py").write_text("def help():\n    import wave\n")
    (tmp_path / "other.py").write_text("import sunau\n")
    load(tmp_path / "plugin.py")
    return tmp_path


def test_what_a_function_imports_is_found_with_its_line(folder):
    found = {one.name: (one.where, one.needed) for one in imports(folder)}
    assert found["json"] == ("plugin.py:3", True)
    assert found["colorsys"] == ("plugin.py:8", True)
    assert found["xml.etree.ElementTree"] == ("plugin.py:9", True)
    assert found["mmap"] == ("plugin.py:12", False)
    assert found["decimal"] == ("plugin.py:5", False)


def test_the_plugins_own_modules_are_found_before_a_function_imports_them(folder):
    assert sorted(own(folder)) == ["helper", "plugin"]
    found = {one.name: one.where for one in imports(folder)}
    assert found["wave"] == "helper.py:2"
    assert "helper" not in found and "sunau" not in found


def test_relative_imports_have_their_whole_names():
    names = [one.name for one in named("from . import a\nfrom ..b import c\nfrom .d.e import f", "x.py", "p.q.r", False)]
    assert names == ["p.q", "p.b", "p.q.d.e"]


def test_a_package_with_native_code_is_named_with_the_line_that_needs_it(folder, tmp_path, monkeypatch):
    site = tmp_path / "site-packages"
    (site / "fast").mkdir(parents=True)
    for file in (f"fast/__init__{EXTENSION_SUFFIXES[0]}", f"both{EXTENSION_SUFFIXES[0]}", "both.py"):
        (site / file).write_text("")
    monkeypatch.syspath_prepend(str(site))
    (line,) = native(named("import json\n\n\ndef f():\n    import fast, both", "plugin.py", "plugin", False))
    assert line == "plugin.py:5: the package fast has native code (fast): a plugin takes packages in pure Python only"


def test_packages_lie_where_they_are_installed_and_what_cannot_be_had_says_why():
    assert [folder.name for folder in folders(["json", "pytest"])] == ["site-packages"]
    assert why_not("mmap") == "the Python in a component has no mmap"
    assert "pip install" in why_not("nothing_of_this_name")


def test_what_opens_sockets_is_refused_with_its_line_in_the_plugin_itself(tmp_path):
    (tmp_path / "plugin.py").write_text("import helper\nfrom urllib import request, parse\n")
    (tmp_path / "helper.py").write_text("try:\n    import socket\nexcept ImportError:\n    socket = None\nimport http\n")
    load(tmp_path / "plugin.py")
    (line,) = without_sockets(tmp_path)
    assert line == "plugin.py:2: a plugin has no sockets, and so no urllib.request: take `http` of the package sandgate"
