"""Preparing a cohort, and learning from it: the same crops as from files, whatever happens."""

from collections.abc import Iterator
from pathlib import Path

import blosc2
import numpy as np
import psutil
import pytest
import torch

from napari_toposeg.config import FinetuneConfig, PrepareConfig, PretrainConfig
from napari_toposeg.errors import InvalidConfig
from napari_toposeg.io import stored_arrays, write_volume
from napari_toposeg.io.store import open_store
from napari_toposeg.learning.cohort import read_cohort
from napari_toposeg.learning.crops import crop_at, draw_unlabelled
from napari_toposeg.learning.examples import Example
from napari_toposeg.learning.finetune import finetune
from napari_toposeg.learning.labelled import prepare_labelled
from napari_toposeg.learning.labelled_files import read_cases, read_labelled_store
from napari_toposeg.learning.objectives import make_objective
from napari_toposeg.learning.places import ANYWHERE, FLAT, Places
from napari_toposeg.learning.prepare import Prepared, prepare
from napari_toposeg.learning.pretrain import describe, pretrain
from napari_toposeg.learning.pretraining import Pretraining, collate
from napari_toposeg.learning.turning import turned
from napari_toposeg.progress import Step, finish
from napari_toposeg.volume import Volume

SPACING = (2.0, 2.0, 2.0)


@pytest.fixture
def many(tmp_path: Path, scan: Volume) -> Path:
    """A folder of three scans."""
    for number in range(3):
        shifted = scan.with_voxels(np.roll(scan.voxels, number, axis=2))
        write_volume(shifted, tmp_path / "many" / f"ct{number}.nii.gz")
    return tmp_path / "many"


@pytest.fixture
def settings(many: Path, tmp_path: Path) -> PrepareConfig:
    return PrepareConfig.create(images=(many,), output=tmp_path / "store", spacing=SPACING)


def prepared(settings: PrepareConfig, **changes: object) -> Prepared:
    return finish(prepare(settings.model_copy(update=changes)))


def test_a_store_gives_the_crops_of_the_files(settings: PrepareConfig, many: Path) -> None:
    place = prepared(settings).store
    kept, held = (read_cohort([where], SPACING).examples for where in (place, many))
    assert [each.name for each in kept] == [each.name for each in held] == ["ct0", "ct1", "ct2"]
    for one, other in zip(kept, held, strict=True):
        here, there = (crop_at(e, (3, -2, 5), (12, 12, 12), flips=(1,)) for e in (one, other))
        np.testing.assert_allclose(here.image, there.image, atol=1e-5)
        np.testing.assert_array_equal(here.inside, there.inside)
        np.testing.assert_array_equal(here.place, there.place)
        assert here.modality == there.modality == "CT"


def test_geometry_is_kept(settings: PrepareConfig, scan: Volume) -> None:
    case = prepared(settings).cases[0]
    assert case.original_shape == scan.shape
    np.testing.assert_allclose(case.original_spacing, scan.spacing, rtol=1e-5)
    lengths = np.linalg.norm(np.array(case.affine)[:3, :3], axis=0)
    np.testing.assert_allclose(lengths, SPACING, rtol=1e-5)


def test_a_stopped_preparation_resumes_to_the_same_store(
    settings: PrepareConfig, tmp_path: Path
) -> None:
    run = prepare(settings)
    assert next(run).message == "prepared ct0"
    run.close()
    with pytest.raises(InvalidConfig, match="--resume"):
        read_cohort([settings.output], None)
    resumed = prepare(settings.model_copy(update={"resume": True}))
    steps: list[Step] = []
    steps.extend(resumed)
    assert [(step.step, step.total) for step in steps] == [(2, 3), (3, 3)]
    whole = prepared(settings, output=tmp_path / "other")
    assert open_store(settings.output).manifest.cases == whole.cases


def test_what_is_half_written_is_no_case(settings: PrepareConfig) -> None:
    prepared(settings)
    half = settings.output / "unfinished" / "ct9"
    half.mkdir(parents=True)
    (half / "image.b2nd").write_bytes(b"half")
    assert [case.name for case in prepared(settings, resume=True).cases] == ["ct0", "ct1", "ct2"]
    assert not half.exists()


def test_a_bad_file_is_told_and_the_others_are_kept(settings: PrepareConfig, many: Path) -> None:
    whole = (many / "ct1.nii.gz").read_bytes()
    (many / "ct1.nii.gz").write_bytes(whole[: len(whole) // 2])
    done = prepared(settings)
    assert [case.name for case in done.cases] == ["ct0", "ct2"]
    assert list(done.failed) == ["ct1"] and "ct1.nii.gz" in done.failed["ct1"]
    (many / "ct1.nii.gz").write_bytes(whole)
    assert len(prepared(settings, resume=True).cases) == 3


def test_processes_make_the_store_of_one(settings: PrepareConfig, tmp_path: Path) -> None:
    one = prepared(settings)
    two = prepared(settings, workers=2, output=tmp_path / "two")
    assert one.cases == two.cases
    for case in one.cases:
        files = (f.store / "cases" / case.name / "image.b2nd" for f in (one, two))
        first, second = (file.read_bytes() for file in files)
        assert first == second


def test_a_folder_with_other_files_is_left_alone(settings: PrepareConfig) -> None:
    settings.output.mkdir()
    (settings.output / "thesis.txt").write_text("years of work")
    for changes in ({}, {"overwrite": True}, {"resume": True}):
        with pytest.raises(InvalidConfig, match="holds other files"):
            prepared(settings, **changes)
    assert (settings.output / "thesis.txt").exists()


def test_a_store_is_not_replaced_unasked(settings: PrepareConfig) -> None:
    prepared(settings)
    with pytest.raises(InvalidConfig, match="--overwrite"):
        prepared(settings)
    assert prepared(settings, overwrite=True, spacing=(3.0, 3.0, 3.0)).cases
    with pytest.raises(InvalidConfig, match="spacing"):
        prepared(settings, resume=True)


def test_labels_must_be_class_numbers(settings: PrepareConfig, many: Path) -> None:
    with pytest.raises(InvalidConfig, match="is this the image"):
        prepared(settings, labels=many)


def test_fine_tuning_reads_a_store_as_it_reads_folders(
    settings: PrepareConfig, many: Path, scan: Volume, tmp_path: Path
) -> None:
    labels = tmp_path / "labels"
    for number in range(3):
        shifted = np.roll(scan.voxels > 0, number, axis=2).astype(np.uint8)
        write_volume(scan.with_voxels(shifted, modality="label"), labels / f"ct{number}.nii.gz")
    kept = tmp_path / "kept.txt"
    kept.write_text("ct1\n")
    common = {"checkpoint": "none", "output": tmp_path / "run", "validation": kept}
    place = prepared(settings, labels=labels).store
    stored = read_labelled_store(FinetuneConfig.create(data=place, **common), None)
    config = FinetuneConfig.create(images=many, labels=labels, spacing=SPACING, **common)
    held = prepare_labelled(config, read_cases(config), None)
    assert (stored.classes, stored.spacing) == (held.classes, held.spacing) == (1, SPACING)
    for part in ("training", "validation"):
        pairs = list(zip(getattr(stored, part), getattr(held, part), strict=True))
        assert pairs
        for one, other in pairs:
            assert one.name == other.name
            whole = one.loaded()
            np.testing.assert_allclose(whole.image, other.image, atol=1e-5)
            np.testing.assert_array_equal(whole.target, other.target)


def test_fine_tuning_on_a_store_learns(
    settings: PrepareConfig, many: Path, scan: Volume, tmp_path: Path
) -> None:
    labels = tmp_path / "labels"
    for number in range(3):
        shifted = np.roll(scan.voxels > 0, number, axis=2).astype(np.uint8)
        write_volume(scan.with_voxels(shifted, modality="label"), labels / f"ct{number}.nii.gz")
    (tmp_path / "kept.txt").write_text("ct1\n")
    config = FinetuneConfig.create(
        checkpoint="none",
        data=prepared(settings, labels=labels).store,
        validation=tmp_path / "kept.txt",
        output=tmp_path / "run",
        size="nano",
        crop=(12, 12, 12),
        steps=20,
        every=20,
        learning_rate=3e-3,
        device="cpu",
        threads=1,
    )
    steps = [step for step in finetune(config) if step.losses]
    assert steps[-1].losses["loss"] < steps[0].losses["loss"]
    assert 0 < steps[-1].metrics["dice"] <= 1


def test_a_store_of_another_spacing_is_refused(settings: PrepareConfig) -> None:
    place = prepared(settings).store
    assert read_cohort([place], None).spacing == SPACING
    with pytest.raises(InvalidConfig, match="was prepared at"):
        read_cohort([place], (1.0, 1.0, 1.0))


def test_scans_that_do_not_fit_the_memory_are_refused(
    many: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    little = replace_available(psutil.virtual_memory(), 10_000)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: little)
    with pytest.raises(InvalidConfig, match="napari-toposeg prepare"):
        read_cohort([many], SPACING)


def replace_available(memory: object, available: int) -> object:
    return memory._replace(available=available)  # type: ignore[attr-defined]


def task_on(place: Path, config: PretrainConfig) -> Pretraining:
    """Make the task of a small run on a store."""
    cohort = read_cohort([place], None)
    card = describe(config, (12, 12, 12), cohort)
    objective = make_objective(config, card.network)
    return Pretraining(objective, cohort.examples, cohort.examples, config, card)


def test_a_batch_drawn_in_parts_is_the_batch(
    settings: PrepareConfig, small_run: PretrainConfig
) -> None:
    changes = {"objective": "mae", "rotation": 10.0, "crops_per_visit": 2}
    task = task_on(prepared(settings).store, small_run.model_copy(update=changes))
    whole, parts = task.draw(3, range(6)), [task.draw(3, range(n, n + 2)) for n in (0, 2, 4)]
    for name in ("image", "inside", "place", "turns", "hidden"):
        assert torch.equal(whole[name], torch.cat([part[name] for part in parts]))


@pytest.mark.parametrize("objective", ["mae", "topomae"])
def test_crops_are_turned_once(
    settings: PrepareConfig, small_run: PretrainConfig, objective: str
) -> None:
    changes = {"objective": objective, "rotation": 30.0, "network": "vit"}
    task = task_on(prepared(settings).store, small_run.model_copy(update=changes))
    still = task_on(prepared(settings, resume=True).store, small_run)
    seen = turned(task.draw(1, range(2)))
    plain = collate([still.draw_crop(1, n) for n in range(2)], range(2))
    turns = task.turns(1, range(2))
    assert turns is not None
    torch.testing.assert_close(seen["image"], turned({**plain, "turns": turns})["image"])


def test_a_visit_opens_its_case_once(
    settings: PrepareConfig, small_run: PretrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = task_on(
        prepared(settings).store,
        small_run.model_copy(update={"objective": "mae", "crops_per_visit": 4}),
    )
    opened, open_file = [], blosc2.open
    monkeypatch.setattr(stored_arrays, "MOST_OPEN", 1)
    monkeypatch.setattr(blosc2, "open", lambda *a, **k: opened.append(a) or open_file(*a, **k))
    monkeypatch.setattr(stored_arrays, "OPEN", stored_arrays.OpenFiles())
    task.draw(1, range(8))
    assert 1 <= len(opened) <= 2


def test_validation_in_parts_is_that_of_the_whole(
    settings: PrepareConfig, small_run: PretrainConfig
) -> None:
    place, found = prepared(settings).store, []
    for batch in (4, 16):
        torch.manual_seed(0)
        changes = {"objective": "mae", "batch": batch}
        task = task_on(place, small_run.model_copy(update=changes))
        assert len(task.validation) == 16 // batch
        found.append(finish(task.evaluate(task.network.eval())))
    assert found[0].score == pytest.approx(found[1].score, rel=1e-4)
    assert found[0].metrics == pytest.approx(found[1].metrics, rel=1e-3)


def test_phantoms_alone_are_data(small_run: PretrainConfig) -> None:
    changes = {"data": (), "phantoms": 2, "objective": "mae", "steps": 1, "every": 1}
    run = pretrain(small_run.model_copy(update=changes))
    assert [step.step for step in run if step.losses] == [1]
    with pytest.raises(InvalidConfig, match="nothing to learn from"):
        PretrainConfig.create(output=small_run.output)


def test_a_share_of_the_scans_is_held_out(many: Path) -> None:
    cohort = read_cohort([many], SPACING)
    first, second = cohort.divided(0.3, np.random.default_rng(0))
    names = [{each.name for each in part.examples} for part in (first, second)]
    assert len(names[1]) == 1 and names[0] | names[1] == {"ct0", "ct1", "ct2"}
    assert not names[0] & names[1]
    with pytest.raises(InvalidConfig, match="both parts need one"):
        cohort.divided(0.01, np.random.default_rng(0))


def windows(image: np.ndarray, size: tuple[int, int, int], step: int) -> Iterator[float]:
    counts = ((n - s) // step + 1 for n, s in zip(image.shape, size, strict=True))
    for corner in np.ndindex(*counts):
        cut = tuple(slice(c * step, c * step + s) for c, s in zip(corner, size, strict=True))
        yield float(image[cut].std())


def test_deviations_of_windows_follow_from_sums_over_blocks() -> None:
    image = np.random.default_rng(0).random((24, 40, 19), np.float32)
    image[:8, :24] = 0.3
    size = (16, 24, 8)
    places = Places.of(image)
    shown = np.array([each > FLAT for each in windows(image, size, places.block)])
    # Along x the last of 8-voxel windows begin at 8, and at 16 none can.
    grid = np.zeros((3, 5, 3), bool)
    grid[:2, :3, :2] = shown.reshape(2, 3, 2)
    np.testing.assert_array_equal(places.showing(size), np.flatnonzero(grid))
    assert 0 < grid.sum() < grid.size


def test_stored_places_are_those_that_were_found() -> None:
    image = np.random.default_rng(0).random((20, 20, 20), np.float32)
    found = Places.of(image, (image > 0.9).astype(np.int16), block=16)
    again = Places.read(image.shape, found.arrays())
    first, second = (
        [each.draw_start((8, 8, 8), np.random.default_rng(s)) for s in range(5)]
        for each in (found, again)
    )
    assert first == second


def test_crops_of_mostly_air_show_something_and_a_few_do_not() -> None:
    image = np.zeros((200, 32, 32), np.float32)
    image[160:192] = np.random.default_rng(0).random((32, 32, 32))
    example = Example("small organ", image)
    crops = [
        draw_unlabelled(example, (32, 32, 32), np.random.default_rng(seed)) for seed in range(400)
    ]
    empty = np.mean([crop.image.std() <= FLAT for crop in crops])
    assert 0 < empty < 2 * ANYWHERE


def test_each_labelled_voxel_is_drawn_alike() -> None:
    target = np.full((20, 9, 9), -1, np.int16)
    target[0, 0, :3], target[19, 8, 8], target[10] = 1, 2, 0
    example = Example("few", np.zeros(target.shape, np.float32), target)
    random = np.random.default_rng(0)
    drawn = [
        tuple(example.places.draw_labelled_voxel(target, random, foreground=True))
        for _ in range(2000)
    ]
    voxels, counts = np.unique(drawn, axis=0, return_counts=True)
    assert [tuple(each) for each in voxels] == [(0, 0, 0), (0, 0, 1), (0, 0, 2), (19, 8, 8)]
    assert counts.min() > 430 and counts.max() < 570


def test_a_mirrored_crop_is_the_crop_mirrored() -> None:
    image = np.random.default_rng(0).random((9, 10, 11), np.float32)
    example = Example("any", image, (image * 4).astype(np.int16))
    plain = crop_at(example, (-2, 3, 1), (6, 6, 6))
    turned = crop_at(example, (-2, 3, 1), (6, 6, 6), flips=(0, 2))
    for name in ("image", "inside", "target"):
        np.testing.assert_array_equal(getattr(turned, name), np.flip(getattr(plain, name), (0, 2)))
    corner, far = np.array([-1, -1, -1, 1]), np.array([1, -1, 1, 1])
    np.testing.assert_allclose(turned.place @ corner, plain.place @ far, atol=1e-6)
