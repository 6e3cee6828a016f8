"""Measure pretraining and write the tables of the docs.

    python -m benchmarks.pretraining PART ... [--quick] [--write]

Parts: ``step`` times a step of the masked autoencoder beside MONAI's (docs/speed.md); ``learns``
holds the plain masked autoencoder against the mean and interpolation; ``objectives`` trains every
objective with the same compute; ``terms`` and ``terms-ct`` compare topological terms on phantoms
and on real CT; ``search`` looks for settings in which a term helps, ``confirmed`` judges those
found; ``parts`` compares the other terms of topomae (docs/pretraining-measured.md). ``units``
starts from models of plain units (docs/pretraining.md); it is printed alone.
``NAPARI_TOPOSEG_DATA`` names the folder of the real volumes.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import torch

from benchmarks import tables
from benchmarks.pretraining import (
    ablation,
    learns_first,
    mae_step,
    objectives,
    start_units,
    variants,
)

ABLATIONS: dict[str, tuple[dict[str, variants.Settings], ablation.Data]] = {
    "terms": (variants.TERMS, "phantoms"),
    "terms-ct": (variants.TERMS, "ct"),
    "search": (variants.SEARCH, "development"),
    "confirmed": (variants.CONFIRMED, "phantoms"),
    "parts": (variants.PARTS, "phantoms"),
}
PARTS = ("step", "learns", "objectives", *ABLATIONS, "units")
PAGE = Path(__file__).parents[2] / "docs" / "pretraining-measured.md"


def main() -> int:
    """Run the parts asked for, print their lines as they come, and write the pages if asked to."""
    asked = tables.asked_of(__doc__, PARTS)
    for part in asked.parts:
        page = tables.PAGE if part == "step" else PAGE
        kept = page if asked.write and part != "units" else None
        tables.show(f"pretraining {part}", lines_of(part, quick=asked.quick), kept)
    return 0


def lines_of(part: str, *, quick: bool) -> Iterator[str]:
    """Yield the lines of a part's table in Markdown."""
    match part:
        case "step":
            yield from tables.header()
            yield from map(tables.line, mae_step.rows(quick=quick))
            return
        case "objectives":
            header, rows = objectives.HEADER, objectives.lines(quick=quick)
        case "learns":
            header, rows = learns_first.HEADER, learns_first.lines(quick=quick)
        case "units":
            header, rows = start_units.HEADER, start_units.lines(quick=quick)
        case _:
            compared, data = ABLATIONS[part]
            header = ablation.HEADER_CT if data == "ct" else ablation.HEADER
            rows = ablation.lines(compared, data, quick=quick)
    # More threads would only fight over networks this small.
    torch.set_num_threads(1)
    yield from tables.table(header, rows)


if __name__ == "__main__":
    sys.exit(main())
