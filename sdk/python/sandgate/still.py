"""Few pages written by a run: what it finds in memory stays as it is. Imported in components only.

Every run starts from the memory that `configure` left, and the first write to each of its pages costs a copy, and putting it
back. In Python nearly every step writes: reference counts, caches that fill when a function or a class is first used, holes
between older objects into which new ones are put. So before that memory is kept, everything in it is made immortal (then
Python counts no references to it) and the holes are filled. With the walk in `component` this takes a run of `mask-email`
from 285 page faults to a third of them.

Immortal objects are never given back: what `configure` made has no `__del__` called in a run.
"""

import gc
import sys
from collections.abc import Iterable
from types import CodeType, FrameType
from typing import Any

# A dozen lines of WebAssembly: their text lies beside them, as `_still.wat`.
from sandgate._still import still as _still  # type: ignore[import-not-found]

_MOST = 400_000
"""Objects looked at, at most: in a plugin with more, references to the rest are counted as ever. A standard library has
100,000."""
_ROOM = 1 << 20
"""Bytes that a run can fill before it has to ask for memory."""
_WIDEST = 32 << 10
"""Bytes of the widest hole that is filled; wider ones are as good as new memory."""
_FILLERS = 100_000
"""Objects put into holes, at most."""

_kept: list[Any] = []


def settle(*, deeply: bool) -> None:
    """Makes immortal what stands now. `deeply`: what only immortal objects hold, too. That is for the first time, and takes
    long; later, what came since is found without, but for numbers and texts in an older list or dict."""
    gc.collect()
    pending: list[Any] = gc.get_objects()
    seen = {id(pending)}
    is_immortal = sys._is_immortal  # type: ignore[attr-defined]
    while pending and len(seen) < _MOST:
        thing = pending.pop()
        if id(thing) in seen or isinstance(thing, FrameType):
            continue
        seen.add(id(thing))
        if not is_immortal(thing):
            _still(thing)
        elif not deeply:
            continue
        if isinstance(thing, CodeType):
            # It shows the collector nothing of what it holds.
            pending += (thing.co_consts, thing.co_names, thing.co_filename, thing.co_name, thing.co_qualname)
        else:
            pending += gc.get_referents(thing)


def know(kinds: Iterable[type]) -> None:
    """Has Python look something up in each of these classes, and so number it; else the first run that looks would."""
    for kind in kinds:
        hasattr(kind, "__init__")


def fill() -> None:
    """Puts something into every hole between objects, so that what a run makes lies side by side."""
    # Python's own stocks of used objects are holes as well; a collection empties them.
    gc.collect()
    above = bytes(_ROOM)
    end = id(above)
    kept: list[Any] = [None] * _FILLERS
    count = 0
    size = _WIDEST
    while size > 0 and count < _FILLERS:
        # Bytes of length one are shared, and nothing new.
        filler = bytes(size) if size > 1 else object()
        kept[count] = filler
        if id(filler) < end:
            count += 1
        else:
            size = size // 2 if size > 512 else size - 1
    del kept[count:]
    _kept.append(kept)
    # What this used and gave back is in stock again.
    _kept.append([(float(n), n + 1000, [], {}, slice(n), iter([]), iter(()), [].append, range(n)) for n in range(100)])
    _kept.append([tuple(range(n)) for n in range(1, 21) for _ in range(20)])
