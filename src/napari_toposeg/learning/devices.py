"""Choice and description of the device, and its errors in plain words."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from napari_toposeg.config import PrecisionName
from napari_toposeg.errors import InvalidConfig, OutOfMemory
from napari_toposeg.topology.processors import processors

MOST_DECOMPRESSING = 8
"""More threads than this gain nothing on the few blocks of a crop."""

FULL = ("out of memory", "can't allocate memory", "not enough memory", "CUBLAS_STATUS_ALLOC_FAILED")
"""Words of RuntimeErrors that mean a full memory."""


def resolve_device(name: str) -> str:
    """Return ``"cpu"``, ``"mps"`` or ``"cuda:N"``; ``"auto"``: the first CUDA GPU, else the CPU.

    Raises
    ------
    InvalidConfig
        If the device is not one that this machine has.
    """
    if name == "auto":
        return "cuda:0" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise InvalidConfig(
            f"there is no device {name!r}; choose auto, cpu, mps, cuda or cuda:N"
        ) from error
    match device.type:
        case "cpu":
            return "cpu"
        case "cuda" if (device.index or 0) < torch.cuda.device_count():
            return f"cuda:{device.index or 0}"
        case "mps" if torch.backends.mps.is_available():
            return "mps"
    raise InvalidConfig(f"device {name!r} is not available on this machine; choose auto or cpu")


def describe_device(name: str) -> str:
    """Return the device for a person: its name, and cores or free memory."""
    device = resolve_device(name)
    if device.startswith("cuda"):
        free, _ = torch.cuda.mem_get_info(device)
        return f"{torch.cuda.get_device_name(device)}, {free / 2**30:.0f} GB free"
    return f"CPU, {processors()} cores" if device == "cpu" else "Apple GPU"


def choose_precision(precision: PrecisionName, device: str) -> PrecisionName:
    """Return the arithmetic of a run; ``"auto"``: bf16 on a CUDA GPU, else full precision."""
    if precision != "auto":
        return precision
    return "bf16-mixed" if device.startswith("cuda") else "32-true"


def threads_of(threads: int, processes: int = 1) -> int:
    """Return how many CPU threads the network uses; 0: one for each core this process may use.

    Parameters
    ----------
    processes
        Of the run on this machine; they share the cores.
    """
    available = max(1, processors() // processes)
    return min(threads, available) if threads > 0 else available


def choose_threads(threads: int, processes: int = 1) -> None:
    """Let the network use so many CPU threads: see `threads_of`."""
    torch.set_num_threads(threads_of(threads, processes))


def decompressing_threads(device: str) -> int:
    """Return how many threads are to decompress a crop.

    On the CPU one: more would fight with the step's for the cores. Beside a GPU the cores are free.
    """
    if resolve_device(device) == "cpu":
        return 1
    return min(MOST_DECOMPRESSING, max(1, processors() - 1))


@contextmanager
def memory_errors_explained() -> Iterator[None]:
    """Turn an out-of-memory error of GPU or CPU into OutOfMemory, which says what to do."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        torch.cuda.empty_cache()
        first = (str(error) or type(error).__name__).splitlines()[0]
        raise OutOfMemory(
            f"the device ran out of memory ({first}); use a smaller batch or crop, or the CPU"
        ) from error


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error is that of a full memory.

    torch has a type of its own for its allocators on GPUs; drivers and the CPU's allocator raise
    RuntimeErrors that only their words tell from others.
    """
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    words = str(error)
    return isinstance(error, RuntimeError) and any(part in words for part in FULL)
