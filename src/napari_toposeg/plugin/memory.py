"""What a finished run used is given back to the machine; no Qt here.

The one idea: three owners hold on to what nobody uses any more: Python's circles of references,
torch's cache of GPU memory, and the C library's heap, which keeps what was freed for later. A
program that runs for hours beside others should not.
"""

import ctypes
import gc
import sys
import traceback
from functools import cache
from typing import Any


def set_apart() -> None:
    """Set all that there is now apart, so that `give_back_memory` looks at what comes after only.

    To look for circles among all objects of napari and torch takes a second, in which no other
    thread can do anything: the window would stand still, at the end of a run and on its way.
    """
    gc.freeze()


def give_back_memory() -> None:
    """Collect circles, empty torch's cache if torch is loaded, and trim the heap under glibc.

    Circles are left to Python where nothing was set apart: the run ended before it used memory.
    """
    if gc.get_freeze_count():
        gc.collect()
        gc.unfreeze()
    cuda = getattr(sys.modules.get("torch"), "cuda", None)
    if cuda is not None and cuda.is_initialized():
        cuda.empty_cache()
    trim = heap_trimmer()
    if trim is not None:
        trim(0)


@cache
def heap_trimmer() -> Any:
    """Return glibc's ``malloc_trim``, None under another C library."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        return ctypes.CDLL("libc.so.6").malloc_trim
    except (OSError, AttributeError):
        return None


def forget_locals(error: BaseException | None) -> None:
    """Drop what the functions that an error went through still hold, the network among it.

    The traceback can still be written: places stay, values go.
    """
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__
