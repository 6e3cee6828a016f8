"""Put the tables and curves of a comparison into the docs, and keep what they were made of.

    napari-toposeg compare --config benchmarks/hippocampus.toml
    python -m benchmarks.comparisons hippocampus --output runs/hippocampus

The tables go between the markers ``<!-- comparison NAME: begin -->`` and ``end`` of
docs/benchmark.md, the curves to docs/images/benchmark-NAME-light.png and -dark.png. What each test
case came to and each pretraining took goes to benchmarks/results/NAME.tar.xz: unpacked into a
comparison's output folder, its runs are done, and are not made again.
"""

import argparse
import shutil
import sys
import tarfile
from pathlib import Path

from benchmarks import tables

DOCS = Path(__file__).parents[1] / "docs"
PAGE = DOCS / "benchmark.md"
RESULTS = Path(__file__).parent / "results"
KEPT = ("finetuned/*/judged-*.json", "pretrained/*/spent.json")


def main() -> int:
    """Copy what a comparison left."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", help="of the comparison, as the page's markers have it")
    parser.add_argument("--output", type=Path, required=True, help="folder of the comparison")
    asked = parser.parse_args()
    part = f"comparison {asked.name}"
    if f"<!-- {part}: begin -->" not in PAGE.read_text(encoding="utf-8"):
        parser.error(f"{PAGE} has no markers of {part!r}; add them where the tables shall stand")
    tables.write(part, (asked.output / "table.md").read_text(encoding="utf-8").strip(), page=PAGE)
    for theme in ("light", "dark"):
        picture = DOCS / "images" / f"benchmark-{asked.name}-{theme}.png"
        shutil.copyfile(asked.output / f"curves-{theme}.png", picture)
    keep(asked.output, RESULTS / f"{asked.name}.tar.xz")
    return 0


def keep(folder: Path, archive: Path) -> None:
    """Pack what was measured, and nothing of when and by whom."""
    archive.parent.mkdir(exist_ok=True)
    with tarfile.open(archive, "w:xz") as packed:
        for path in sorted(path for pattern in KEPT for path in folder.glob(pattern)):
            member = tarfile.TarInfo(path.relative_to(folder).as_posix())
            member.size = path.stat().st_size
            with path.open("rb") as content:
                packed.addfile(member, content)


if __name__ == "__main__":
    sys.exit(main())
