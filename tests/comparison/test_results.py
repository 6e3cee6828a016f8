"""The tables of docs/benchmark.md are made of the results that the repository keeps."""

import re
import tarfile
from pathlib import Path

import pytest

from napari_toposeg.comparison.running import Comparison
from napari_toposeg.comparison.summary import tables_of
from napari_toposeg.comparison.table import cells_of
from napari_toposeg.comparison.writing import markdown
from napari_toposeg.config import CompareConfig

ROOT = Path(__file__).parents[2]
RESULTS = sorted((ROOT / "benchmarks" / "results").glob("*.tar.xz"))


@pytest.mark.parametrize("archive", RESULTS, ids=lambda path: path.name)
def test_the_page_says_what_was_measured(
    archive: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    name = archive.name.removesuffix(".tar.xz")
    with tarfile.open(archive) as packed:
        for member in packed:
            place, content = tmp_path / member.name, packed.extractfile(member)
            assert content is not None and place.resolve().is_relative_to(tmp_path.resolve())
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content.read())
    monkeypatch.chdir(ROOT)
    config = CompareConfig.from_toml(ROOT / "benchmarks" / f"{name}.toml")
    places = {"output": tmp_path}
    if config.phantoms is None:
        scans = request.getfixturevalue("data_folder") / "hippocampus"
        places |= {"images": scans / "images", "labels": scans / "labels"}
    comparison = Comparison.of(config.model_copy(update=places))
    made = markdown(tables_of(comparison, cells_of(comparison))).strip()
    page = (ROOT / "docs" / "benchmark.md").read_text("utf-8")
    _, _, rest = page.partition(f"<!-- comparison {name}: begin -->")
    shown, _, _ = rest.partition(f"<!-- comparison {name}: end -->")
    assert shown.strip() == made


@pytest.mark.parametrize("count", ["2", "4", "all"])
def test_the_readme_says_what_the_page_says(count: str) -> None:
    page = (ROOT / "docs" / "benchmark.md").read_text("utf-8")
    means, less, *_ = (
        [cell.strip() for cell in line.strip(" |").split("|")]
        for line in page.splitlines()
        if line.startswith(f"| {count} | few labels | raw |")
    )
    (shown,) = re.findall(
        rf"^\| (?:all 140|[24]) \| {means[3].split()[0]} \|.*$",
        (ROOT / "README.md").read_text("utf-8"),
        re.MULTILINE,
    )
    _, labels, _, dice, exact, points, _ = (cell.strip() for cell in shown.split("|"))
    assert labels.split()[0] == count
    assert numbers(dice) == numbers(less[3])
    assert numbers(exact) == [round(100 * numbers(means[6])[0])]
    assert numbers(points) == [round(100 * number) for number in numbers(less[6])]


def numbers(text: str) -> list[float]:
    """Return the numbers of a cell: a mean, and the ends of its interval where it has one."""
    return [float(found) for found in re.findall(r"[-+]?\d+(?:\.\d+)?", text)]
