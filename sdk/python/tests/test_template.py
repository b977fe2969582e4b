"""A new project's sources have no finding of a type checker, whichever hooks were chosen."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import sandgate

REPOSITORY = Path(sandgate.__file__).parents[3]
TEMPLATE = REPOSITORY / "runtime/authoring/src/templates/python"
CHOICES = {"pre": {"pre", "only-pre"}, "post": {"post", "only-post"}, "both": {"pre", "post", "both"}}


def rendered(text: str, wanted: set[str]) -> str:
    lines, left_out = [], None
    for line in text.splitlines():
        word = line.strip()
        if word.startswith(("{{#", "{{/")):
            section = word[3:-2]
            if word[2] == "#" and left_out is None and section not in wanted:
                left_out = section
            elif word[2] == "/" and left_out == section:
                left_out = None
        elif left_out is None:
            lines.append(line)
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("hooks", CHOICES)
def test_a_new_project_has_no_finding_and_its_tests_pass(tmp_path, hooks):
    for file in ("plugin.py", "test_plugin.py", "pyproject.toml", "plugin.toml"):
        (tmp_path / file).write_text(rendered((TEMPLATE / file).read_text("utf-8"), CHOICES[hooks]).replace("{{name}}", "x"))
    (tmp_path / "vendor").symlink_to(Path(sandgate.__file__).parents[1])
    bare = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    for command in (["mypy", "--cache-dir=/dev/null"], ["pytest", "-q", "-p", "no:cacheprovider"]):
        done = subprocess.run([sys.executable, "-m", *command], cwd=tmp_path, env=bare, text=True, capture_output=True)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_package_says_that_it_is_typed():
    assert (Path(sandgate.__file__).parent / "py.typed").is_file()
