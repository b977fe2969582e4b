"""The types of MCP's payloads, in every SDK, are those of the schema beside the generator."""

import json
import subprocess
import sys
from pathlib import Path
from typing import get_type_hints

import pytest

import sandgate
from sandgate import mcp

REPOSITORY = Path(sandgate.__file__).parents[3]
FILES = ["sdk/python/sandgate/mcp.py", "sdk/js/src/mcp.ts", "sdk/go/mcp/mcp.go", "sdk/c/sandgate_mcp.h", "sdk/rust/src/mcp.rs"]


def test_making_the_types_anew_changes_nothing(tmp_path):
    subprocess.run([sys.executable, "-B", REPOSITORY / "sdk/mcp/generate.py", tmp_path], check=True)
    made = sorted(str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*") if file.is_file())
    assert made == sorted(FILES)
    for file in FILES:
        assert (tmp_path / file).read_text() == (REPOSITORY / file).read_text(), f"python3 sdk/mcp/generate.py: {file}"


SCHEMA = json.loads((REPOSITORY / "sdk/mcp/payloads.schema.json").read_text())["$defs"]


@pytest.mark.parametrize("name", [name for name, made in SCHEMA.items() if "properties" in made])
def test_a_definition_has_the_members_of_the_schema(name):
    made = getattr(mcp, name)
    assert list(get_type_hints(made)) == list(SCHEMA[name]["properties"])
    assert made.__required_keys__ == frozenset(SCHEMA[name].get("required", ()))
