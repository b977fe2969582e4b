"""The package against what it stands for: its copy of the contract, its bindings, its documents in memory."""

import filecmp
import json
import subprocess
import sys
from pathlib import Path

import pytest

import sandgate
from sandgate.build import _COMPONENTIZE
from sandgate.testing.memory import Memory

PACKAGE = Path(sandgate.__file__).parent
REPOSITORY = PACKAGE.parents[2]
READINGS = json.loads((REPOSITORY / "sdk/readings.json").read_text("utf-8"))


def test_the_copy_of_the_contract_is_the_contract():
    original = (REPOSITORY / "wit/interceptor.wit").read_bytes()
    copy = (PACKAGE / "wit/interceptor.wit").read_bytes()
    assert original == copy, "cp wit/interceptor.wit sdk/python/sandgate/wit/"


def test_making_the_bindings_anew_changes_nothing(tmp_path):
    made = tmp_path / "bindings"
    arguments = ["-q", "-d", str(PACKAGE / "wit"), "-w", "interceptor-with-http", "bindings", str(made)]
    subprocess.run([sys.executable, "-c", _COMPONENTIZE, *arguments], check=True)
    kept = PACKAGE / "_contract"
    names = sorted(str(file.relative_to(kept)) for file in kept.rglob("*.py"))
    # The support for asynchronous exports is the same for every world, and ours has none.
    shared = ("componentize_py_async_support", "poll_loop")
    fresh = sorted(
        str(file.relative_to(made)) for file in made.rglob("*.py") if not str(file.relative_to(made)).startswith(shared)
    )
    assert names == fresh
    _, different, errors = filecmp.cmpfiles(kept, made, names, shallow=False)
    assert (different, errors) == ([], []), "componentize-py bindings, then copy them to sandgate/_contract"


@pytest.mark.parametrize("reading", READINGS, ids=range(len(READINGS)))
def test_documents_in_memory_read_as_the_gateways_do(reading):
    document = Memory(reading["json"])
    for name in ("texts", "strings", "keys"):
        run = getattr(document, name)()
        assert {"text": run.text, "ends": run.ends} == reading[name]
    texts, strings = reading["textPointers"], reading["stringPointers"]
    assert [document.text_pointer(index) for index in range(len(texts) + 1)] == [*texts, None]
    assert [document.string_pointer(index) for index in range(len(strings) + 1)] == [*strings, None]
    for pointer in strings:
        assert isinstance(json.loads(document.get(pointer)), str)
