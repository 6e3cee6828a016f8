"""The report of a transfer: what became of every key."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from napari_toposeg.config import write_atomically
from napari_toposeg.learning.fitting import Fitted
from napari_toposeg.learning.transfer_keys import Key

REPORT = "transfer.json"


@dataclass(frozen=True)
class TransferReport:
    """What became of every key of a model and of the network that starts from it.

    Parameters
    ----------
    source
        Name of the model.
    taken, resized, inflated
        Keys of the network that hold the model's values: as they were, interpolated to another
        size, or repeated over further channels.
    fresh
        Keys of the network that stay as initialised.
    left
        Keys of the model that the network has no use for.
    """

    source: str
    taken: tuple[str, ...]
    resized: tuple[str, ...]
    inflated: tuple[str, ...]
    fresh: tuple[str, ...]
    left: tuple[str, ...]

    def summary(self) -> str:
        """Return one line of counts."""
        counts = ", ".join(
            f"{len(keys)} {name}"
            for name, keys in asdict(self).items()
            if name != "source" and (keys or name == "taken")
        )
        return f"{self.source}: {counts}"

    def write(self, folder: Path) -> None:
        """Write the report into the folder of a run that is about to begin."""
        begun = (folder / "last.safetensors").exists()
        if not begun and not folder.is_file():
            text = json.dumps({"summary": self.summary(), **asdict(self)}, indent=1)
            write_atomically(folder / REPORT, text.encode())


def report(
    source: str, own: Mapping[Key, str], given: Mapping[Key, str], fits: Mapping[Key, Fitted]
) -> TransferReport:
    """Write down what became of every key."""

    def changed(change: str) -> tuple[str, ...]:
        return tuple(own[key] for key in own if key in fits and fits[key].change == change)

    return TransferReport(
        source,
        changed("taken"),
        changed("resized"),
        changed("inflated"),
        fresh=tuple(name for key, name in own.items() if key not in fits),
        left=tuple(name for key, name in given.items() if key not in fits),
    )
