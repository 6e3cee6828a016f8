"""The time and the memory that a crop takes.

    python -m benchmarks.data crops [--quick] [--write]

Times: the least of several repeats in alternation, each of some crops, one thread on both sides.
Memory: what a fresh process holds at most while it opens the data and draws, beyond what it held
before (Linux).
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.data.loaders import EDGE, Draw, from_monai, from_store, make_store
from benchmarks.data.volumes import write_chests
from benchmarks.row import Row

REPEATS, CROPS, DRAWN = 20, 4, 40
LEAST = 5.0
"""How many times faster than a PersistentDataset."""


def rows(*, quick: bool = False) -> Iterator[Row]:
    """Yield a row for each rival, and one for the memory."""
    shape = (104, 112, 120) if quick else (200, 256, 256)
    size = "x".join(map(str, shape))
    with tempfile.TemporaryDirectory() as folder:
        scans = write_chests(Path(folder) / "scans", 4, shape)
        store, cache = make_store(scans, Path(folder) / "store"), Path(folder) / "cache"
        kinds = {"PersistentDataset": cache, "CacheDataset": None}
        draws = {name: from_monai(scans, place) for name, place in kinds.items()}
        times = least_times({"store": from_store(store), **draws})
        for name, bound in (("PersistentDataset", LEAST), ("CacheDataset", 1.0)):
            yield Row(
                f"a crop of {EDGE}^3 of 4 volumes {size}",
                times["store"],
                f"MONAI {name}",
                times[name],
                bound,
                f"{1 / times['store']:.0f} crops a second, it {1 / times[name]:.0f}",
            )
        place = {"store": store, "PersistentDataset": scans, "CacheDataset": scans}
        held = {name: memory(name, place[name], cache) for name in place}
        volume = 4 * shape[0] * shape[1] * shape[2] / 2**20
        others = ", ".join(f"{name} {held[name]:.0f} MB" for name in kinds)
        what = f"memory while crops are drawn, bound: one volume {size} in float32"
        yield Row(what, held["store"], "", None, volume, others, "MB")


def least_times(draws: dict[str, Draw]) -> dict[str, float]:
    """Return the seconds a crop takes in each way."""
    least = dict.fromkeys(draws, float("inf"))
    for draw in draws.values():
        for number in range(CROPS):
            draw(number)
    for repeat in range(REPEATS):
        for name, draw in draws.items():
            began = time.perf_counter()
            for number in range(CROPS):
                draw(repeat * CROPS + number)
            least[name] = min(least[name], (time.perf_counter() - began) / CROPS)
    return least


def memory(kind: str, place: Path, cache: Path) -> float:
    """Return what a fresh process that draws crops holds, in MB."""
    words = [sys.executable, "-m", "benchmarks.data.crops", kind, str(place), str(cache)]
    return float(subprocess.run(words, capture_output=True, text=True, check=True).stdout)


def held_memory(kind: str, place: Path, cache: Path) -> float:
    """Draw crops, and return by how many MB the resident memory grew at most, mapped files too."""
    import torch
    from monai.data import CacheDataset  # what it loads is not what a crop takes

    assert CacheDataset
    torch.set_num_threads(1)
    # Linux then begins anew to note the peak.
    Path("/proc/self/clear_refs").write_text("5")
    before = peak()
    draw = from_store(place) if kind == "store" else from_monai(place, caches(kind, cache))
    for number in range(DRAWN):
        draw(number)
    return peak() - before


def peak() -> float:
    """Return the most that this process has held, in MB."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def caches(kind: str, cache: Path) -> Path | None:
    """Return the folder that MONAI keeps volumes in, if it does."""
    return cache if kind == "PersistentDataset" else None


if __name__ == "__main__":
    print(held_memory(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])))
