"""A comparison makes each run once, whoever begins it, and a stopped one loses nothing."""

import csv
import itertools
import json
import logging
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from napari_toposeg.comparison import spending
from napari_toposeg.comparison.running import Comparison, compare
from napari_toposeg.comparison.spending import state_of
from napari_toposeg.comparison.writing import write_results
from napari_toposeg.config import CompareConfig
from napari_toposeg.errors import InvalidConfig
from napari_toposeg.io import read_volume, write_volume
from napari_toposeg.learning import finetune as finetuning
from napari_toposeg.progress import Step, finish

from .conftest import PARTS

Make = Callable[..., CompareConfig]
FOUR = {"counts": [1], "seeds": [0, 1]}


def judged(comparison: Comparison) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of each run."""
    found = {trial.label: comparison.judgement(trial) for trial in comparison.trials}
    return {label: each.rows for label, each in found.items() if each is not None}


def test_a_stopped_comparison_goes_on_to_the_same_rows(settings: Make, tmp_path: Path) -> None:
    whole = finish(compare(settings(**FOUR)))
    stopped = settings(**FOUR, output=tmp_path / "stopped")
    # Between two steps of the third run, of which the first checkpoint is not written yet.
    run = compare(stopped)
    for step in run:
        if step.message.startswith("3 of 4") and "training" in step.message:
            break
    run.close()
    assert len(judged(Comparison.of(stopped))) == 2
    messages = []
    run = compare(stopped)
    again = None
    while again is None:
        try:
            messages.append(next(run).message)
        except StopIteration as done:
            again = done.value
    assert judged(again) == judged(whole)
    assert len(judged(whole)) == 4 and not whole.failed
    assert {message.split(",")[0] for message in messages} == {"1 of 2", "2 of 2"}
    assert not any("mae" in message for message in messages)


def test_nothing_is_made_twice(settings: Make) -> None:
    config = settings(**FOUR, arms=[{"name": "scratch"}])
    finish(compare(config))
    # Another name for the same arm is the same run.
    renamed = config.model_copy(
        update={"arms": (config.arms[0].model_copy(update={"name": "plain"}),)}
    )
    assert list(compare(renamed)) == []
    other = settings(**FOUR, arms=[{"name": "scratch", "finetune": {"learning_rate": 1e-4}}])
    assert not any(map(Comparison.of(other).is_done, Comparison.of(other).trials))


def test_other_metrics_are_judged_without_training_anew(settings: Make) -> None:
    config = settings(counts=[1], seeds=[0], arms=[{"name": "scratch"}])
    finish(compare(config))
    messages = {step.message for step in compare(config.model_copy(update={"metrics": ("dice",)}))}
    assert messages == {"1 of 1, scratch/1/0: judging"}


def test_test_labels_that_were_replaced_are_judged_anew(
    settings: Make, scans: Path, tmp_path: Path
) -> None:
    labels = tmp_path / "labels"
    for path in (scans / "labels").iterdir():
        write_volume(read_volume(path), labels / path.name.replace(".nii.gz", ".nii"))
    config = settings(labels=labels, counts=[1], seeds=[0], arms=[{"name": "scratch"}])
    before = judged(finish(compare(config)))
    sizes = {path: path.stat().st_size for path in labels.iterdir()}
    for name in PARTS["test"]:
        truth = read_volume(labels / f"{name}.nii")
        write_volume(truth.with_voxels(truth.voxels[::-1].copy()), labels / f"{name}.nii")
    assert sizes == {path: path.stat().st_size for path in labels.iterdir()}
    assert not judged(Comparison.of(config))
    messages = {step.message for step in compare(config)}
    assert messages == {"1 of 1, scratch/1/0: judging"}
    after = judged(Comparison.of(config))
    assert after.keys() == before.keys() and after != before


@pytest.fixture
def rare(scans: Path, tmp_path: Path) -> Path:
    """Labels of which class 2 is in the test cases alone."""
    folder = tmp_path / "rare"
    for path in (scans / "labels").iterdir():
        truth = read_volume(path)
        known = 2 if path.name[0] in PARTS["test"] else 1
        write_volume(truth.with_voxels(truth.voxels.clip(max=known)), folder / path.name)
    return folder


def test_a_class_that_a_draw_lacks_is_judged_all_the_same(settings: Make, rare: Path) -> None:
    one = {"labels": rare, "counts": [1], "seeds": [0], "arms": [{"name": "scratch"}]}
    (rows,) = judged(finish(compare(settings(**one, classes=["one", "two"])))).values()
    missed = [row["dice"] for row in rows if row["class"] == "two"]
    assert missed and max(missed) < 0.5


def test_a_class_that_nobody_named_fails_clearly(settings: Make, rare: Path) -> None:
    one = {"labels": rare, "counts": [1], "seeds": [0], "arms": [{"name": "scratch"}]}
    comparison = finish(compare(settings(**one, classes=None)))
    (fault,) = comparison.failed.values()
    assert "has label 2" in fault and "name all `classes`" in fault


def test_a_training_sees_no_test_image(settings: Make) -> None:
    comparison = Comparison.of(settings())
    for trial in comparison.trials:
        assert trial.members[0].config.images is not None
        assert {path.name[0] for path in trial.members[0].config.images.iterdir()} == set("abcd")
        if trial.pretraining is not None:
            assert trial.pretraining.config.data == (trial.members[0].config.images,)
            assert trial.pretraining.config.ids is not None
            assert trial.pretraining.config.ids.read_text("utf-8").split() == ["a", "b", "c"]


def test_masks_of_one_prediction_are_measured_side_by_side(settings: Make) -> None:
    config = settings(
        counts=[1], seeds=[0], arms=[{"name": "scratch"}], repair=[1, 0, 0], keep_predictions=True
    )
    comparison = finish(compare(config))
    (rows,) = judged(comparison).values()
    found = {(row["case"], row["mask"], row["class"]) for row in rows}
    classes = ("class 1", "class 2", "all together")
    masks = ("raw", "fix", "repaired")
    assert found == {(case, mask, name) for case in "ef" for mask in masks for name in classes}
    # All truths are solid pieces.
    repaired = [row for row in rows if row["mask"] == "repaired" and "betti_exact" in row]
    assert [row["betti_exact"] for row in repaired] == [1.0] * 4
    folder = comparison.trials[0].folder
    (kept,) = folder.glob("repaired-*/e.nii.gz")
    # Maps that are repaired to other numbers do not take the place of these.
    before = kept.read_bytes()
    finish(compare(config.model_copy(update={"repair": ("1,1,0",)})))
    assert kept.read_bytes() == before and len(list(folder.glob("repaired-*/e.nii.gz"))) == 2
    assert list(compare(config)) == []


def test_label_maps_are_written_where_they_are_wanted_later(settings: Make) -> None:
    config = settings(counts=[1], seeds=[0], arms=[{"name": "scratch"}])
    rows = judged(finish(compare(config)))
    kept = config.model_copy(update={"keep_predictions": True})
    # What was measured is known meanwhile.
    assert judged(Comparison.of(kept)) == rows
    (trial,) = finish(compare(kept)).trials
    assert {path.name for path in trial.folder.glob("raw/*")} == {"e.nii.gz", "f.nii.gz"}
    assert list(compare(kept)) == []
    (trial.folder / "fix" / "f.nii.gz").unlink()
    assert {step.message for step in compare(kept)} == {"1 of 1, scratch/1/0: judging"}
    assert judged(Comparison.of(kept)) == rows


def test_each_way_to_predict_by_one_training_keeps_label_maps_of_its_own(settings: Make) -> None:
    arms = [
        {"name": "plain"},
        {"name": "turned", "predict": {"flips": "zyx"}},
        {"name": "two", "members": 2},
        {"name": "pierced", "predict": {"repair": ["1,1,0"]}},
    ]
    config = settings(
        counts=[1], seeds=[0], arms=arms, repair=[1, 0, 0], metrics=["dice"], keep_predictions=True
    )
    comparison = finish(compare(config))
    plain, turned, two, pierced = comparison.trials
    assert not comparison.failed
    assert plain.folder == turned.folder == two.folder == pierced.folder
    maps = [path.parent.name for path in plain.folder.glob("*/e.nii.gz")]
    # Raw and fixed maps are the same however they are repaired.
    assert sorted(name.partition("-")[0] for name in maps) == sorted(
        ["raw", "fix", "repaired"] * 3 + ["repaired"]
    )
    assert {"raw", "fix"} <= set(maps)
    assert list(compare(config)) == []


def test_models_of_one_run_predict_together(settings: Make) -> None:
    arms = [{"name": "one"}, {"name": "two", "members": 2}]
    arms += [{"name": "turned", "predict": {"flips": "zyx"}}]
    comparison = finish(compare(settings(counts=[1], seeds=[0], arms=arms)))
    one, two, turned = (comparison.judgement(trial) for trial in comparison.trials)
    assert one is not None and two is not None and turned is not None
    assert one.rows != turned.rows and one.seconds["training"] == turned.seconds["training"]
    assert [row["dice"] for row in one.rows if "dice" in row] != [
        row["dice"] for row in two.rows if "dice" in row
    ]
    assert two.seconds["training"] > one.seconds["training"]
    # The first model of the second arm is the first arm's, and so is the third's.
    assert len(list((comparison.config.output / "finetuned").iterdir())) == 2


def test_a_run_that_fails_is_told_and_the_others_go_on(
    settings: Make, caplog: pytest.LogCaptureFixture
) -> None:
    arms = [{"name": "too fast", "finetune": {"learning_rate": 1e30}}, {"name": "scratch"}]
    with caplog.at_level(logging.CRITICAL, logger="napari_toposeg"):
        comparison = finish(compare(settings(counts=[1], seeds=[0], arms=arms)))
    assert set(comparison.failed) == {"too fast/1/0"} and not comparison.broken
    assert set(judged(comparison)) == {"scratch/1/0"}


def test_a_fault_of_ours_is_told_apart(
    settings: Make, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def faulty(config: object) -> Iterator[Step]:
        raise ZeroDivisionError("ours")
        yield

    monkeypatch.setattr(finetuning, "finetune", faulty)
    with caplog.at_level(logging.CRITICAL, logger="napari_toposeg"):
        comparison = finish(compare(settings(counts=[1], seeds=[0], arms=[{"name": "scratch"}])))
    assert comparison.broken == {"scratch/1/0"}
    assert "ZeroDivisionError: ours" in comparison.failed["scratch/1/0"]


def test_what_another_process_has_in_hand_is_left_to_it(
    settings: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = settings(counts=[1], seeds=[0, 1], arms=[{"name": "scratch"}])
    first, second = Comparison.of(config).trials
    first.folder.mkdir(parents=True)
    held = FileLock(first.folder / ".claim")
    held.acquire()
    monkeypatch.setattr("napari_toposeg.comparison.running.WAIT_SECONDS", 0.0)
    order = []
    for step in compare(config):
        order.append(step.message)
        if step.message == "waiting for other processes":
            assert Comparison.of(config).is_done(second)
            held.release()
    told = [label for label in (second.label, first.label) if any(label in m for m in order)]
    assert told == [second.label, first.label]
    assert all(map(Comparison.of(config).is_done, (first, second)))


def test_what_a_training_cost_is_kept_over_all_its_parts(settings: Make) -> None:
    config = settings(counts=[1], seeds=[0], arms=[{"name": "scratch"}])
    run = compare(config)
    for step in run:
        if step.checkpoint is not None:
            break
    run.close()
    (trial,) = Comparison.of(config).trials
    before = json.loads((trial.folder / "spent.json").read_text("utf-8"))
    finish(compare(config))
    after = json.loads((trial.folder / "spent.json").read_text("utf-8"))
    assert not before["closed"] and after["closed"]
    assert after["cpu_seconds"] > before["cpu_seconds"] > 0
    assert not (trial.folder / "last.safetensors").exists()


def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each look at the processor's time be a second after the one before."""
    ticks = itertools.count()
    monkeypatch.setattr(spending.time, "process_time", lambda: float(next(ticks)))


def test_steps_that_a_stop_keeps_count_though_no_checkpoint_was_due(
    settings: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    arms = [{"name": "scratch", "finetune": {"steps": 6, "every": 6}}]
    config = settings(counts=[1], seeds=[0], arms=arms)
    clock(monkeypatch)
    run = compare(config)
    for step in run:
        if "training" in step.message and step.step == 4:
            break
    run.close()
    (trial,) = Comparison.of(config).trials
    before = json.loads((trial.folder / "spent.json").read_text("utf-8"))
    # Noted at the beginning, and when it was stopped.
    assert before["cpu_seconds"] == 2.0 and not before["closed"]
    assert state_of(trial.folder) == "begun"


def test_a_training_that_is_done_again_costs_what_it_costs(settings: Make) -> None:
    config = settings(counts=[1], seeds=[0], arms=[{"name": "scratch"}])
    (trial,) = finish(compare(config)).trials
    (trial.folder / "best.safetensors").unlink()
    spent = trial.folder / "spent.json"
    spent.write_text(json.dumps({"cpu_seconds": 1e6, "seconds": 1e6, "closed": True}), "utf-8")
    run = compare(config.model_copy(update={"metrics": ("dice",)}))
    for step in run:
        if "training" in step.message:
            break
    run.close()
    assert json.loads(spent.read_text("utf-8"))["cpu_seconds"] < 1e5
    assert state_of(trial.folder) != "trained"


def test_a_begun_run_goes_on_where_its_folder_and_its_data_lie_by_now(
    settings: Make, scans: Path, tmp_path: Path
) -> None:
    one = {"counts": [1], "seeds": [0], "arms": [{"name": "mae", "objective": "mae"}]}
    whole = judged(finish(compare(settings(**one, output=tmp_path / "whole"))))
    run = compare(settings(**one))
    for step in run:
        if step.message.endswith("training") and "mae/1/0" in step.message and step.step == 2:
            break
    run.close()
    shutil.move(tmp_path / "out", tmp_path / "moved")
    shutil.copytree(scans, tmp_path / "scans")
    places = {kind: tmp_path / "scans" / kind for kind in ("images", "labels")}
    again = finish(compare(settings(**one, **places, output=tmp_path / "moved")))
    assert not again.failed and judged(again) == whole


def test_a_training_whose_model_is_gone_is_done_again(settings: Make) -> None:
    config = settings(counts=[1], seeds=[0], arms=[{"name": "mae", "objective": "mae"}])
    comparison = finish(compare(config))
    (trial,) = comparison.trials
    rows = comparison.judgement(trial).rows
    for folder in (trial.folder, trial.pretraining.folder):
        (folder / "best.safetensors").unlink()
    # What was judged is known without the models.
    assert list(compare(config)) == []
    other = config.model_copy(update={"metrics": ("dice",)})
    again = finish(compare(other))
    same = [row["dice"] for row in rows if "dice" in row]
    found = again.judgement(trial).rows
    assert [row["dice"] for row in found if "dice" in row] == same
    assert not again.failed


def test_results_hold_a_row_for_each_case_and_mask(settings: Make) -> None:
    comparison = finish(compare(settings(counts=[1], seeds=[0, 1], arms=[{"name": "scratch"}])))
    files = write_results(comparison)
    folder = comparison.config.output
    assert all((folder / name).is_file() for name in files)
    with (folder / "rows.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    runs = {(row["arm"], row["labels"], row["seed"]) for row in rows}
    assert runs == {("scratch", "1", "0"), ("scratch", "1", "1")}
    # Two seeds, two cases, two masks, two classes and all together.
    assert len(rows) == 2 * 2 * 2 * 3
    page = (folder / "report.html").read_text("utf-8")
    assert "data:image/png" in page and str(folder) not in page


def test_phantoms_are_cases_like_any_other(settings: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("napari_toposeg.learning.phantom_cases.PHANTOM_EDGE", 24)
    places = dict.fromkeys(("images", "labels", "pool", "validation", "test"))
    phantoms = {"pool": 3, "validation": 1, "test": 2}
    config = settings(**places, phantoms=phantoms, counts=[2], seeds=[0])
    comparison = Comparison.of(config)
    assert len(comparison.cases.pool) == 3 and len(comparison.cases.test) == 2
    drawn = [path.stat().st_mtime_ns for path in (config.output / "phantoms/images").iterdir()]
    again = Comparison.of(config)
    assert drawn == [p.stat().st_mtime_ns for p in (config.output / "phantoms/images").iterdir()]
    assert [trial.members for trial in again.trials] == [t.members for t in comparison.trials]


def test_arms_that_cannot_be_are_told_by_name(settings: Make) -> None:
    arms = [{"name": "odd", "finetune": {"loss": "cosine"}}]
    with pytest.raises(InvalidConfig, match=r"arm 'odd': loss"):
        Comparison.of(settings(arms=arms))


def test_a_pretraining_that_fails_is_tried_once(
    settings: Make, caplog: pytest.LogCaptureFixture
) -> None:
    arms = [{"name": "lost", "objective": "mae", "pretrain": {"learning_rate": 1e30}}]
    config = settings(counts=[1, 2], seeds=[0], arms=arms)
    told = []
    run = compare(config)
    with caplog.at_level(logging.CRITICAL, logger="napari_toposeg"):
        while True:
            try:
                told.append(next(run).message)
            except StopIteration as done:
                comparison = done.value
                break
    assert set(comparison.failed) == {"lost/1/0", "lost/2/0"}
    assert "mae pretraining" in comparison.failed["lost/2/0"]
    assert told and all(message.startswith("1 of 2") for message in told)
