"""One configuration of the plugin: its settings put in place, then its own `configure`."""

from typing import Any

from sandgate import fault, hooks
from sandgate.settings import Issue, Unfit, fill


def configured(given: Any) -> list[Issue]:
    """What is wrong with these settings; nothing, where the plugin is configured."""
    hooks.plugin.configured = True
    try:
        fill(given)
    except Unfit as unfit:
        return [Issue(unfit.pointer, unfit.message)]
    function = hooks.plugin.configure
    if function is None:
        return []
    try:
        issues = list(function() or [])
        for one in issues:
            if not isinstance(one, Issue):
                raise TypeError(f"a configure function returns Issues or nothing, not {type(one).__name__}")
        return issues
    except Exception as error:
        return [Issue("", str(fault.told(error, function)))]
