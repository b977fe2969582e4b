"""One configuration of the plugin: its settings put in place, then its own `configure`."""

from typing import Any

from sandgate import fault, hooks
from sandgate.settings import Issue, Unfit, fill


def configured(given: Any) -> list[Issue]:
    """What is wrong with these settings; nothing, where the plugin is configured."""
    try:
        fill(given)
    except Unfit as unfit:
        return [Issue(unfit.pointer, unfit.message)]
    function = hooks.plugin.configure
    if function is None:
        return []
    try:
        return list(function() or [])
    except Exception as error:
        return [Issue("", str(fault.told(error, function)))]
