"""Each test and each example in the documentation is a plugin of its own."""

import pytest

from sandgate import hooks, testing
from sandgate.settings import forget


@pytest.fixture(autouse=True)
def _fresh() -> None:
    hooks.plugin.clear()
    forget()
    testing.clear()
