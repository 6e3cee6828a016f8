"""What a training cost: processor time of all threads, over all the times that it was gone on with.

It is noted whenever there is a checkpoint, so that a kill loses time and work alike. The note stays
where a model is taken away, as it is the table's; the training is then to be done again.
"""

import json
import time
from pathlib import Path
from typing import Any, Literal

from napari_toposeg.config import write_atomically


class Spending:
    """The account of a run's folder, in ``spent.json``.

    Parameters
    ----------
    anew
        Whether the training begins, so that what was spent before does not count.
    """

    def __init__(self, folder: Path, *, anew: bool) -> None:
        self.path = folder / "spent.json"
        self.before = {} if anew else read_spent(folder)
        self.began = time.process_time(), time.perf_counter()
        if anew:
            # What a former training of the folder took is not this one's.
            self.note()

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


def state_of(folder: Path) -> Literal["trained", "begun", "to do"]:
    """Return how far a training is."""
    if read_spent(folder).get("closed") and (folder / "best.safetensors").is_file():
        return "trained"
    return "begun" if (folder / "last.safetensors").is_file() else "to do"


def read_spent(folder: Path) -> dict[str, Any]:
    """Return what a training cost so far; empty where it has not begun."""
    path = folder / "spent.json"
    spent: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    return spent
