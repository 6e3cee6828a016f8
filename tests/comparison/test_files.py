"""The comparisons that come with the repository, and the one that the docs show, are understood."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from napari_toposeg.comparison.running import Comparison
from napari_toposeg.config import CompareConfig
from napari_toposeg.learning.cases import read_names

Make = Callable[..., CompareConfig]
ROOT = Path(__file__).parents[2]
FILES = sorted(path.name for path in (ROOT / "benchmarks").glob("*.toml"))
ON_SCANS = ("output", "images", "labels", "pool", "validation", "test", "phantoms", "counts")


def runs(config: CompareConfig, settings: Make) -> list[str]:
    """Return the runs of a comparison, brought to the small scans."""
    small = settings(counts=[1])
    places = {name: getattr(small, name) for name in ON_SCANS}
    arms = tuple(arm.model_copy(update={"counts": None}) for arm in config.arms)
    brought = config.model_copy(update=places | {"arms": arms})
    return [trial.label for trial in Comparison.of(brought).trials]


@pytest.mark.parametrize("name", FILES)
def test_comparisons_of_the_repository_are_understood(name: str, settings: Make) -> None:
    config = CompareConfig.from_toml(ROOT / "benchmarks" / name)
    found = runs(config, settings)
    assert len(found) == len(config.seeds) * len(config.every_arm)


def test_the_example_of_the_docs_is_understood(settings: Make, tmp_path: Path) -> None:
    page = (ROOT / "docs" / "compare.md").read_text("utf-8")
    (example,) = re.findall(r"^```toml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    (tmp_path / "compare.toml").write_text(example, "utf-8")
    config = CompareConfig.from_toml(tmp_path / "compare.toml")
    assert "topomae + flips/1/4" in runs(config, settings)


def test_parts_of_the_hippocampus_hold_each_case_once() -> None:
    splits = ROOT / "recipes" / "splits"
    parts = [
        read_names(splits / f"hippocampus-{part}.txt") for part in ("pool", "validation", "test")
    ]
    assert [len(part or ()) for part in parts] == [140, 20, 40]
    assert len({name for part in parts for name in part or ()}) == 200
