"""What a training cost: processor time of all threads, over all the times that it was gone on with.

It is noted whenever there is a checkpoint, so that a kill loses time and work alike.
"""

import json
import time
from pathlib import Path
from typing import Any

from napari_toposeg.config import write_atomically


class Spending:
    """The account of a run's folder, in ``spent.json``."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "spent.json"
        self.before = read_spent(folder)
        self.began = time.process_time(), time.perf_counter()

    @property
    def is_closed(self) -> bool:
        """Whether the training came to its end."""
        return bool(self.before.get("closed"))

    def note(self, *, closed: bool = False) -> None:
        """Write what was spent until now."""
        processor, clock = time.process_time() - self.began[0], time.perf_counter() - self.began[1]
        spent = {
            "cpu_seconds": self.before.get("cpu_seconds", 0.0) + processor,
            "seconds": self.before.get("seconds", 0.0) + clock,
            "closed": closed,
        }
        write_atomically(self.path, json.dumps(spent).encode())

    def close(self) -> None:
        """Write that the training came to its end."""
        self.note(closed=True)


def read_spent(folder: Path) -> dict[str, Any]:
    """Return what a training cost so far; empty where it has not begun."""
    path = folder / "spent.json"
    spent: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    return spent
