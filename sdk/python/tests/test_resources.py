"""What modules need beside modules travels into a component, or is named with its line."""

import subprocess
import sys
from pathlib import Path

import pytest

import sandgate
from sandgate.__main__ import main
from sandgate.imports import imports
from sandgate.resources import NotThere, resources
from sandgate.testing import load

SOURCE = """
from importlib.resources import files
from pathlib import Path
import lists
from sandgate import post_call

HERE = Path(__file__).parent

@post_call("tools/call")
def scrub(ctx, reply):
    reply["/words"] = [files("lists").joinpath("words.txt").read_text(), (HERE / "own.txt").read_text()]
    b"x".decode("windows-1252")
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "lists/deep").mkdir(parents=True)
    for file, text in {
        "plugin.py": SOURCE,
        "plugin.toml": "",
        "own.txt": "own",
        "other.txt": "no source names it",
        ".secret": "",
        "lists/__init__.py": "",
        "lists/words.txt": "ä\n",
        "lists/deep/more.json": "{}",
    }.items():
        (tmp_path / file).write_text(text, "utf-8")
    for name in [name for name in sys.modules if name.partition(".")[0] in ("lists", "zones", "fake")]:
        monkeypatch.delitem(sys.modules, name)
    return tmp_path


def found(folder):
    load(folder / "plugin.py")
    return resources(folder, imports(folder))


def test_files_that_sources_read_are_found_and_others_are_not(folder):
    assert found(folder).files == {"plugin": ["own.txt"], "lists": ["deep/more.json", "words.txt"]}
    (folder / "plugin.py").write_text("import lists\nfrom sandgate import post_call\n")
    assert found(folder).files == {}
    (folder / "lists/__init__.py").write_text("from importlib import resources\n")
    assert found(folder).files == {"lists": ["deep/more.json", "words.txt"]}


def test_codecs_are_found_by_the_calls_that_name_them(folder):
    assert [(one.name, one.where) for one in found(folder).modules] == [("encodings.cp1252", "plugin.py:12")]


def test_time_zones_are_those_of_tzdata_or_are_missing_by_name_and_line(folder, monkeypatch, capsys):
    (folder / "plugin.py").write_text(SOURCE + "\nfrom zoneinfo import ZoneInfo\n")
    (folder / "plugin.toml").write_text('name = "x"\nversion = "0.1.0"\n[hooks.post-call]\ntype = "mutation"\nevents = ["tools/call"]\n')
    load(folder / "plugin.py")
    if "tzdata" not in sys.modules:
        with pytest.raises(NotThere, match=r"^plugin.py:14: zoneinfo needs the time zones, .*pip install tzdata, and a line in requirements"):
            resources(folder, imports(folder))
        assert main(["build", str(folder)]) == 1
        assert "plugin.py:14: zoneinfo needs the time zones" in capsys.readouterr().err
    site = folder / "site-packages/tzdata"
    (site / "zoneinfo/Europe").mkdir(parents=True)
    (site / "__init__.py").write_text("")
    (site / "zoneinfo/Europe/Zurich").write_bytes(b"TZif")
    monkeypatch.syspath_prepend(str(site.parent))
    made = resources(folder, imports(folder))
    assert made.zones and made.files["tzdata"] == ["zoneinfo/Europe/Zurich"]


def test_a_package_with_more_data_than_fit_is_named(folder, monkeypatch):
    site = folder / "site-packages/fake"
    site.mkdir(parents=True)
    (site / "__init__.py").write_text("import importlib.resources\n")
    with (site / "large.bin").open("wb") as large:
        large.truncate(9 << 20)
    monkeypatch.syspath_prepend(str(site.parent))
    (folder / "plugin.py").write_text(SOURCE + "\nimport fake\n")
    load(folder / "plugin.py")
    with pytest.raises(NotThere, match="the package fake reads its own files, 9 MiB: a component takes 8 MiB of a package"):
        resources(folder, imports(folder))


LAID = """
import importlib.resources, pkgutil, shutil, sys
from pathlib import Path
sys.path.insert(0, {folder!r})
import lists
from sandgate import package_data
package_data.lay({{"lists": ["words.txt", "deep/more.json"]}})
shutil.rmtree({folder!r})
root = importlib.resources.files("lists")
assert root.joinpath("words.txt").read_text() == "ä\\n"
assert (root / "deep" / "more.json").read_bytes() == b"{{}}" and (root / "deep").is_dir()
assert [one.name for one in root.iterdir()] == ["deep", "words.txt"]
assert pkgutil.get_data("lists", "words.txt") == "ä\\n".encode()
here = Path(lists.__file__).parent
assert (here / "words.txt").read_text(encoding="utf-8") == "ä\\n" and open(here / "words.txt", "rb").read(1) == b"\\xc3"
for missing in (lambda: root.joinpath("no").read_text(), lambda: open(here / "no"), lambda: open(here / "words.txt", "w")):
    try:
        missing()
    except FileNotFoundError:
        continue
    raise AssertionError("it was found")
"""


def test_what_was_laid_is_found_when_the_files_are_gone(folder):
    package = Path(sandgate.__file__).parents[1]
    code = LAID.format(folder=str(folder))
    done = subprocess.run([sys.executable, "-B", "-c", code], cwd=package, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
