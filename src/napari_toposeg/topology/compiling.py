"""Say once when the kernels are compiled for this machine, since that takes a while.

The one idea: numba keeps compiled kernels on disk. Where the last kernel to be compiled has nothing
there for the types at hand, neither have the others. It is told as a warning, since Python shows a
script no other level of its log.
"""

import logging
from threading import Lock
from typing import Any

LOGGER = logging.getLogger("napari_toposeg")
LOCK = Lock()
TOLD: set[str] = set()


def announce_compiling(kernel: Any, what: str, seconds: int) -> None:
    """Log that kernels will be compiled, once for each ``what``, unless that was done before.

    ``kernel`` is a jitted function with ``cache=True`` that stands for all of them.
    """
    if what in TOLD:
        return
    with LOCK:
        if what not in TOLD:
            TOLD.add(what)
            if not kernel.signatures and not is_cached(kernel):
                LOGGER.warning("compiling %s for this machine, once: about %d s", what, seconds)


def is_cached(kernel: Any) -> bool:
    """Return whether code for the kernel, as it stands, is on disk."""
    cache = getattr(kernel, "_cache", None)
    index = getattr(cache, "_cache_file", None)
    if index is None:
        return False
    overloads = index._load_index()
    return bool(overloads)
