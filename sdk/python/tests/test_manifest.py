"""The manifest's hooks are those of the source, written or checked; what is missing says what to do."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import sandgate
from sandgate.__main__ import main

SOURCE = """
from dataclasses import dataclass
from sandgate import post_call, pre_call, settings

@dataclass
class Settings:
    word: str = "x"

given = settings(Settings)

@post_call("tools/call", "resources/read")
def scrub(ctx, reply): ...

@pre_call("tools/call")
def check(ctx, params): ...

@pre_call("tools/call", "prompts/get")
def check_more(ctx, params): ...
"""
HOOKS = {
    "post-call": {"type": "mutation", "events": ["tools/call", "resources/read"]},
    "pre-call": {"type": "validation", "events": ["tools/call", "prompts/get"]},
}
MANIFEST = 'name = "x"\nversion = "0.1.0"\n\n[asks]\nstate = "why"\n'


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "plugin.py").write_text(SOURCE)
    (tmp_path / "plugin.toml").write_text(MANIFEST)
    return tmp_path


def test_the_hooks_and_the_schema_of_the_source_are_written_and_then_agree(folder, capsys):
    assert main(["manifest", str(folder)]) == 1
    assert "in this folder, `python3 -m sandgate manifest --write` puts it right" in capsys.readouterr().err
    assert main(["manifest", "--write", str(folder)]) == 0
    made = json.loads(capsys.readouterr().out)
    assert (made["name"], made["asks"], made["hooks"]) == ("x", {"state": "why"}, HOOKS)
    assert made["settings"]["properties"]["word"] == {"type": "string", "default": "x"}
    written = (folder / "plugin.toml").read_text()
    assert main(["manifest", "--write", str(folder)]) == 0
    assert (folder / "plugin.toml").read_text() == written


def test_the_command_that_is_suggested_runs_in_a_project_that_has_the_package_in_vendor(folder):
    shutil.copytree(Path(sandgate.__file__).parent, folder / "vendor/sandgate", ignore=shutil.ignore_patterns("__pycache__"))
    bare = {**os.environ, "PYTHONPATH": "", "PYTHONDONTWRITEBYTECODE": "1"}

    def run(command, **more):
        return subprocess.run(command, cwd=folder, text=True, capture_output=True, **more)

    # An interpreter that knows the package by nothing but this command.
    (folder / ".venv/bin").mkdir(parents=True)
    (folder / ".venv/bin/python3").write_text(f'#!/bin/sh\nexec {sys.executable} -S "$@"\n')
    (folder / ".venv/bin/python3").chmod(0o755)
    told = run([sys.executable, "-m", "sandgate", "manifest"], env={**bare, "PYTHONPATH": "vendor"})
    (command,) = re.findall("`(PYTHONPATH=vendor .*)` puts it right", told.stderr)
    assert command.startswith("PYTHONPATH=vendor .venv/bin/python3 ")
    done = run(command, shell=True, env=bare)
    assert done.returncode == 0, done.stderr
    assert "[hooks.pre-call]" in (folder / "plugin.toml").read_text()


def test_what_the_source_changed_since_is_told_and_put_right(folder, capsys):
    main(["manifest", "--write", str(folder)])
    (folder / "plugin.py").write_text(SOURCE.replace('"resources/read"', '"prompts/get"').replace('"x"', '"y"'))
    assert main(["manifest", str(folder)]) == 1
    assert '["tools/call", "prompts/get"]' in capsys.readouterr().err
    assert main(["manifest", "--write", str(folder)]) == 0
    assert json.loads((folder / "settings.schema.json").read_text())["properties"]["word"]["default"] == "y"


def test_one_hook_has_one_type(folder, capsys):
    (folder / "plugin.py").write_text(SOURCE.replace('"prompts/get")', '"prompts/get", type="mutation")'))
    assert main(["manifest", "--write", str(folder)]) == 1
    assert "pre-call: one function is a validation, another a mutation" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("import nothing_of_this_name", 'File "{folder}/plugin.py", line 1, in <module>'),
        ("x = (", "SyntaxError"),
        ("", "the source marks no hook"),
    ],
)
def test_a_source_that_is_no_plugin_says_why(folder, capsys, source, says):
    (folder / "plugin.py").write_text(source)
    assert main(["build", str(folder)]) == 1
    assert says.format(folder=folder) in capsys.readouterr().err


def test_files_that_are_missing_are_named(folder, capsys):
    (folder / "plugin.toml").unlink()
    assert main(["manifest", str(folder)]) == 1
    assert "plugin.toml is missing" in capsys.readouterr().err
    (folder / "plugin.py").unlink()
    assert main(["build", str(folder)]) == 1
    assert "plugin.py is missing" in capsys.readouterr().err


def test_the_wheel_has_the_contract_the_bindings_and_the_types(tmp_path):
    package = Path(__file__).parents[1]
    command = [sys.executable, "-m", "flit_core.wheel", "--outdir", str(tmp_path), str(package)]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("sandgate-0.1.0-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    for name in ("py.typed", "wit/interceptor.wit", "_contract/wit_world/imports/call.py", "component.py"):
        assert f"sandgate/{name}" in names
