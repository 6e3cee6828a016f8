"""The prepare command: what is in the store, what was left out, what looks odd."""

from pathlib import Path

import pytest

from napari_toposeg.cli import main
from napari_toposeg.io.store import StoredCase
from napari_toposeg.learning.prepare import Prepared
from napari_toposeg.progress import Step


def case(name: str, *, few_values: bool = False) -> StoredCase:
    return StoredCase(
        name=name,
        modality="unknown",
        shape=(4, 4, 4),
        affine=((1.0, 0.0, 0.0, 0.0),),
        original_shape=(4, 4, 4),
        original_spacing=(1.0, 1.0, 1.0),
        orientation="LPS",
        normalisation=(0.0, 1.0),
        few_values=few_values,
    )


def test_what_looks_like_a_label_map_is_named(
    stub_run, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    def preparing(config):
        yield Step(1, 1, message="prepared a")
        return Prepared(config.output, (case("a"), case("odd", few_values=True)), {})

    stub_run("prepare", preparing)
    assert main(["prepare", "--images", "a", "--output", str(tmp_path / "store")]) == 0
    out, _ = capsys.readouterr()
    assert "2 cases in" in out
    assert "1 case of a few whole numbers only, as label maps have: odd" in out
