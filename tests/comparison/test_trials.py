"""Which runs there are: nested draws, digests that tell what would differ, parts that share."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from napari_toposeg.comparison.cases import gather
from napari_toposeg.comparison.running import Comparison
from napari_toposeg.comparison.trials import Trial, chosen, list_trials
from napari_toposeg.config import CompareConfig
from napari_toposeg.errors import InvalidConfig
from napari_toposeg.io import write_volume

from .conftest import scan

Make = Callable[..., CompareConfig]


def trials(config: CompareConfig) -> list[Trial]:
    return list_trials(config, gather(config))


def digests(config: CompareConfig) -> list[str]:
    return [trial.members[0].digest for trial in trials(config)]


def test_labelled_cases_are_nested_and_the_same_for_all_arms(settings: Make) -> None:
    config = settings(counts=[1, 2, "all"], seeds=[0, 1, 2, 3])
    cases = gather(config)
    for seed in config.seeds:
        whole = cases.drawn(0, seed)
        assert sorted(whole) == ["a", "b", "c"]
        assert cases.drawn(1, seed) == whole[:1] and cases.drawn(2, seed) == whole[:2]
    assert len({cases.drawn(1, seed) for seed in range(12)}) == 3
    lists = {}
    for trial in list_trials(config, cases):
        assert trial.members[0].config.ids is not None
        names = trial.members[0].config.ids.read_text("utf-8").split()
        assert lists.setdefault((trial.count, trial.seed), names) == names
        assert len(names) == (trial.count or 3)


def test_every_arm_count_and_seed_is_a_run_of_its_own(settings: Make) -> None:
    found = trials(settings())
    assert len(found) == len({trial.members[0].digest for trial in found}) == 2 * 2 * 2
    assert len({trial.label for trial in found}) == 8
    assert "pretrained/all/1" in {trial.label for trial in found}
    # The whole first seed comes first, so that a stopped comparison compares already.
    assert [trial.seed for trial in found] == [0] * 4 + [1] * 4


def test_one_pretraining_serves_all_its_fine_tunings(settings: Make) -> None:
    def pretrainings(config: CompareConfig) -> set[str]:
        return {t.pretraining.digest for t in trials(config) if t.pretraining is not None}

    assert len(pretrainings(settings())) == 1
    assert len(pretrainings(settings(pretrain_each_seed=True))) == 2


def test_a_digest_follows_what_would_change_the_numbers(settings: Make, scans: Path) -> None:
    base = settings()
    same = (
        settings(threads=2),
        settings(metrics=["dice"]),
        settings(repair=[1, 0, 0]),
        settings(predict={"overlap": 0.5}),
        settings(seeds=[0, 1], rivals=["scratch"]),
        # What is a default anyway.
        settings(finetune=base.finetune | {"loss": "dice-ce"}),
    )
    for config in same:
        assert digests(config) == digests(base)
    for config in (
        settings(finetune=base.finetune | {"steps": 4}),
        settings(finetune=base.finetune | {"loss": "cldice"}),
        settings(validation=None),
    ):
        assert not set(digests(config)) & set(digests(base))
    longer = settings(pretrain=base.pretrain | {"steps": 3})
    changed = [a != b for a, b in zip(digests(longer), digests(base), strict=True)]
    assert changed == [trial.pretraining is not None for trial in trials(base)]


def test_changed_labels_are_another_run(settings: Make, tmp_path: Path) -> None:
    config = settings(counts=[1], seeds=[0], arms=[{"name": "scratch"}])
    assert config.labels is not None
    (before,) = digests(config)
    folder = tmp_path / "corrected"
    folder.mkdir()
    for path in config.labels.iterdir():
        os.link(path, folder / path.name)
    assert digests(config.model_copy(update={"labels": folder})) == [before]
    drawn = gather(config).drawn(1, 0)[0]
    (folder / f"{drawn}.nii.gz").unlink()
    _, labels = scan(77)
    corrected = labels.voxels.copy()
    corrected[:2] = 1
    write_volume(labels.with_voxels(corrected), folder / f"{drawn}.nii.gz")
    assert digests(config.model_copy(update={"labels": folder})) != [before]


def test_the_product_names_arms_by_what_differs(settings: Make) -> None:
    config = settings(
        arms=(), objectives=["scratch", "mae"], networks=["vit"], losses=["dice-ce", "cldice"]
    )
    names = ["scratch dice-ce", "scratch cldice", "mae dice-ce", "mae cldice"]
    assert [arm.name for arm in config.every_arm] == names
    found = {trial.arm: trial for trial in trials(config)}
    assert found["mae cldice"].members[0].config.loss == "cldice"
    assert found["mae cldice"].pretraining is not None
    assert found["mae cldice"].pretraining.config.network == "vit"


def test_models_of_one_run_share_its_cases_and_the_first_is_the_single_one(settings: Make) -> None:
    arms = [{"name": "one"}, {"name": "three", "members": 3}]
    one, three = trials(settings(counts=[1], seeds=[4], arms=arms))
    assert three.members[0] == one.members[0] and three.steps == 3 * one.steps
    assert len({member.digest for member in three.members}) == 3
    assert len({member.config.seed for member in three.members}) == 3
    assert {member.config.ids for member in three.members} == {one.members[0].config.ids}


def test_parts_divide_the_runs(settings: Make) -> None:
    found = trials(settings())
    parts = [chosen(settings(part=f"{number}/3"), found) for number in (1, 2, 3)]
    labels = [trial.label for part in parts for trial in part]
    assert sorted(labels) == sorted(trial.label for trial in found) and len(labels) == 8
    only = chosen(settings(only=["scratch/*/0", "*/all/1"]), found)
    assert {trial.label for trial in only} == {
        "scratch/1/0",
        "scratch/all/0",
        "scratch/all/1",
        "pretrained/all/1",
    }
    with pytest.raises(InvalidConfig, match=r"no run is called 'other/\*'"):
        chosen(settings(only=["other/*"]), found)


def test_arms_have_settings_of_their_own_over_those_of_all(settings: Make, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text('output = "elsewhere"\nsteps = 9\nbatch = 1\nids = "x.txt"\n', "utf-8")
    arms = [
        {"name": "recipe", "finetune": {"recipe": str(recipe), "every": 5}},
        {"name": "few", "counts": [2], "predict": {"flips": "x"}},
    ]
    found = {trial.label: trial for trial in trials(settings(arms=arms, seeds=[0], steps_all=7))}
    assert set(found) == {"recipe/1/0", "recipe/all/0", "few/2/0"}
    own = found["recipe/1/0"].members[0].config
    # A recipe is what settings begin with: those of all arms win over it, and the arm's over them.
    assert (own.steps, own.batch, own.every) == (3, 1, 5)
    assert own.ids is not None and own.ids.name == "labelled-1-0.txt"
    assert found["recipe/all/0"].steps == 7
    assert found["few/2/0"].prediction.flips == "x"


@pytest.mark.parametrize(
    ("others", "words"),
    [
        ({"test": "pool"}, "both in pool and in test"),
        ({"validation": "test"}, "both in validation and in test"),
        ({"counts": [4]}, "4 labelled cases are asked for and the pool has 3"),
        ({"pool": "unknown"}, "lack an image or labels"),
    ],
)
def test_cases_that_cannot_be_compared_are_refused(
    settings: Make, scans: Path, tmp_path: Path, others: dict, words: str
) -> None:
    (tmp_path / "unknown.txt").write_text("nobody\n", "utf-8")
    places = {
        name: (tmp_path if value == "unknown" else scans) / f"{value}.txt"
        for name, value in others.items()
        if isinstance(value, str)
    }
    with pytest.raises(InvalidConfig, match=words):
        gather(settings(**{**others, **places}))


def test_scans_to_pretrain_on_may_not_be_test_cases(settings: Make, scans: Path) -> None:
    with pytest.raises(InvalidConfig, match="unlabelled scans are named as cases of"):
        gather(settings(unlabelled=[scans / "images"]))


def test_channels_of_test_cases_may_not_be_pretrained_on(
    settings: Make, scans: Path, tmp_path: Path
) -> None:
    further = tmp_path / "imagesTr"
    further.mkdir()
    (further / "e_0000.nii.gz").symlink_to(scans / "images" / "e.nii.gz")
    with pytest.raises(InvalidConfig, match=r"first \['e'\]"):
        gather(settings(unlabelled=[further]))


def test_a_scan_more_to_pretrain_on_is_another_pretraining(
    settings: Make, scans: Path, tmp_path: Path
) -> None:
    def pretraining(folder: Path) -> str:
        arms = [{"name": "mae", "objective": "mae"}]
        (trial,) = trials(settings(counts=[1], seeds=[0], arms=arms, unlabelled=[folder]))
        assert trial.pretraining is not None
        return trial.pretraining.digest

    folder, elsewhere = tmp_path / "more", tmp_path / "elsewhere"
    folder.mkdir()
    shutil.copy(scans / "images" / "a.nii.gz", folder)
    one = pretraining(folder)
    shutil.copytree(folder, elsewhere)
    assert pretraining(elsewhere) == one
    shutil.copy(scans / "images" / "b.nii.gz", folder)
    assert pretraining(folder) != one


def test_a_folder_that_holds_no_scan_itself_is_no_source_of_unlabelled_ones(
    settings: Make, scans: Path, tmp_path: Path
) -> None:
    shutil.copytree(scans / "images", tmp_path / "set" / "imagesTr")
    with pytest.raises(InvalidConfig, match=r"holds no volume.* give that of the images"):
        gather(settings(unlabelled=[tmp_path / "set"]))


@pytest.mark.parametrize(
    ("others", "words"),
    [
        ({"arms": [{"name": "a"}, {"name": "a"}]}, "name of its own"),
        ({"rivals": ["nobody"]}, "none of the arms"),
        ({"objectives": ["mae"]}, "either arms, or objectives"),
        ({"arms": [], "objectives": []}, "either arms, or objectives"),
        ({"finetune": {"seed": 3}}, "the comparison settles seed itself"),
        ({"arms": [{"name": "a", "pretrain": {"data": ["x"]}}]}, "settles data itself"),
        ({"arms": [{"name": "a/b"}]}, "arms"),
        ({"arms": [{"name": "a", "objective": "mae", "checkpoint": "x"}]}, "both a checkpoint"),
        ({"seeds": [1, 1]}, "named once"),
        ({"part": "3/2"}, "no part 3 of 2"),
        ({"repair": [1, 0]}, "repair|three counts"),
        ({"classes": ["a", "a"]}, "classes: two classes have one name"),
        ({"phantoms": {}}, "give them alone"),
        ({"test": None}, "give images, labels, pool and test"),
    ],
)
def test_settings_that_make_no_comparison_are_refused(
    settings: Make, others: dict, words: str
) -> None:
    with pytest.raises(InvalidConfig, match=words):
        settings(**others)


@pytest.mark.parametrize("own", [False, True])
def test_a_class_to_repair_that_there_is_not_is_refused_before_training(
    settings: Make, own: bool
) -> None:
    wish = {"repair": ["vessel=1,0,0"]}
    others = {"arms": [{"name": "odd", "predict": wish}]} if own else wish
    with pytest.raises(InvalidConfig, match="names vessel, and the model's classes are one, two"):
        Comparison.of(settings(classes=["one", "two"], **others))
    Comparison.of(settings(classes=["one", "vessel"], **others))


def test_columns_that_nothing_measures_are_refused(settings: Make) -> None:
    with pytest.raises(InvalidConfig, match="'speed'"):
        Comparison.of(settings(columns=["dice", "speed"]))
