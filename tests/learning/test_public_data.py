"""Public datasets, several channels and chosen intensities, from folders to predictions."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from tests.datasets import SHAPE, make_btcv, make_decathlon, make_nnunet

from napari_toposeg.config import FinetuneConfig, PredictConfig, PrepareConfig, PretrainConfig
from napari_toposeg.errors import InvalidConfig, InvalidVolume
from napari_toposeg.io import read_volume
from napari_toposeg.io.layouts import find_dataset
from napari_toposeg.io.store import is_store, open_store
from napari_toposeg.learning.cards import load_card
from napari_toposeg.learning.cohort import read_cohort
from napari_toposeg.learning.crops import crop_at, draw_unlabelled
from napari_toposeg.learning.finetune import finetune
from napari_toposeg.learning.labelled_files import read_labelled_store
from napari_toposeg.learning.predict import predict
from napari_toposeg.learning.prepare import prepare
from napari_toposeg.learning.pretrain import pretrain
from napari_toposeg.progress import finish

SPACING = (2.0, 2.0, 2.0)
WINDOW = (-175.0, 250.0)
SEQUENCES = {"0": "FLAIR", "1": "T1w", "2": "t1gd", "3": "T2w"}
TUMOUR = {"0": "background", "1": "edema", "2": "non-enhancing tumor", "3": "enhancing tumour"}
QUICK = {"batch": 2, "steps": 2, "every": 2, "threads": 1, "device": "cpu", "previews": False}


@pytest.fixture
def brain(tmp_path: Path) -> Path:
    return make_decathlon(
        tmp_path / "Task01_BrainTumour", "BRATS", modality=SEQUENCES, labels=TUMOUR
    )


@pytest.fixture
def abdomen(tmp_path: Path) -> Path:
    return make_btcv(tmp_path / "BTCV")


def pretrained(data: Path, output: Path, **changes: object) -> Path:
    settings = {"objective": "mae", "size": "nano", "patch": 6, "crop": (12, 12, 12)}
    config = PretrainConfig.create(
        **QUICK | settings | {"data": (data,), "output": output, "spacing": SPACING} | changes
    )
    return finish(pretrain(config))


def finetuned(data: Path, output: Path, **changes: object) -> Path:
    settings = {"checkpoint": "none", "size": "nano", "crop": (12, 12, 12), "spacing": SPACING}
    config = FinetuneConfig.create(**QUICK | settings | {"data": data, "output": output} | changes)
    return finish(finetune(config))


def stored(output: Path, **settings: object) -> Path:
    config = PrepareConfig.create(output=output, spacing=SPACING, **settings)
    return finish(prepare(config)).store


def test_four_sequences_are_segmented_from_an_encoder_of_one(brain: Path, tmp_path: Path) -> None:
    start = pretrained(brain, tmp_path / "pretrained")
    assert load_card(start).network.channels == 1
    kept = tmp_path / "validation.txt"
    kept.write_text("BRATS_002\n")
    model = finetuned(brain, tmp_path / "model", checkpoint=str(start), validation=kept)
    card = load_card(model)
    assert card.network.channels == 4 and card.modality == "MR"
    assert card.classes == ("edema", "non-enhancing tumor", "enhancing tumour")
    report = (tmp_path / "model" / "transfer.json").read_text(encoding="utf-8")
    assert "inflated" in report
    config = PredictConfig.create(
        model=str(model), images=(brain / "imagesTs",), output=tmp_path / "out", device="cpu"
    )
    written = finish(predict(config)).files
    assert [path.name for path in written] == ["BRATS_009.nii.gz"]
    labels = read_volume(written[0], modality="label")
    assert labels.shape == SHAPE and labels.voxels.max() <= 3


def test_files_of_channels_are_predicted_as_one_case(tmp_path: Path) -> None:
    data = make_nnunet(tmp_path / "data", ("T1", "T2"))
    model = finetuned(data, tmp_path / "model")
    config = PredictConfig.create(
        model=str(model), images=(data / "imagesTr",), output=tmp_path / "out", device="cpu"
    )
    names = [path.name for path in finish(predict(config)).files]
    assert names == ["FLARE_Tr_0001.nii.gz", "FLARE_Tr_0002.nii.gz"]
    one = data / "imagesTr" / "FLARE_Tr_0001_0000.nii.gz"
    with pytest.raises(InvalidVolume, match="reads 2 channels and the image has 1"):
        finish(predict(config.model_copy(update={"images": (one,), "output": tmp_path / "o"})))


def test_features_of_several_channels_are_written_under_the_name_of_the_case(
    tmp_path: Path,
) -> None:
    data = make_nnunet(tmp_path / "data", ("T1", "T2"))
    config = PredictConfig.create(
        model=str(finetuned(data, tmp_path / "model")), images=(data / "imagesTr",),
        output=tmp_path / "out", features=True, device="cpu",
    )  # fmt: skip
    written = {path.name for path in finish(predict(config)).files}
    cases = ("FLARE_Tr_0001", "FLARE_Tr_0002")
    assert written == {f"{case}{end}" for case in cases for end in (".nii.gz", "_features.npz")} | {
        "features.csv"
    }
    _, *rows = (tmp_path / "out" / "features.csv").read_text(encoding="utf-8").splitlines()
    assert [row.partition(",")[0] for row in rows] == [f"{case}.nii.gz" for case in cases]


def test_a_store_of_channels_gives_the_crops_of_the_files(brain: Path, tmp_path: Path) -> None:
    store = stored(tmp_path / "store", data=brain)
    assert open_store(store).manifest.class_names[0] == "edema"
    held = {example.name: example for example in read_cohort([brain], SPACING).examples}
    for kept in read_cohort([store], None).examples:
        assert kept.channels == 4 and kept.grid == held[kept.name].grid
        for channel in (None, 2):
            crops = [
                crop_at(each, (3, -2, 5), (12, 12, 12), flips=(1,), channel=channel)
                for each in (kept, held[kept.name])
            ]
            np.testing.assert_allclose(crops[0].image, crops[1].image, atol=1e-5)
            assert crops[0].image.shape == ((4, 12, 12, 12) if channel is None else (12, 12, 12))
    config = FinetuneConfig.create(checkpoint="none", data=store, output=tmp_path / "run")
    data = read_labelled_store(config, None)
    assert data.channels == 4 and [case.name for case in data.training] == [
        "BRATS_001",
        "BRATS_002",
    ]


def test_an_unlabelled_crop_shows_any_one_channel(brain: Path) -> None:
    example = read_cohort([brain], SPACING).examples[0]
    whole = [np.asarray(channel) for channel in example.image]
    seen = set()
    for seed in range(24):
        crop = draw_unlabelled(example, SHAPE, np.random.default_rng(seed))
        likeness = [
            abs(np.sort(crop.image, axis=None) - np.sort(w, axis=None)).max() for w in whole
        ]
        assert min(likeness) == 0
        seen.add(int(np.argmin(likeness)))
    assert seen == {0, 1, 2, 3}


def test_a_window_holds_from_pretraining_to_prediction(abdomen: Path, tmp_path: Path) -> None:
    cohort = read_cohort([abdomen], SPACING, intensity=WINDOW)
    raw = read_volume(abdomen / "Abdomen/RawData/Training/img/img0001.nii.gz").voxels
    expected = np.clip((raw + 175.0) / 425.0, 0, 1)
    np.testing.assert_allclose(cohort.examples[0].image, expected, atol=1e-6)
    start = pretrained(abdomen, tmp_path / "pretrained", intensity=WINDOW)
    assert load_card(start).intensity == WINDOW
    model = finetuned(abdomen, tmp_path / "model", checkpoint=str(start))
    assert load_card(model).intensity == WINDOW
    other = finetuned(abdomen, tmp_path / "other", checkpoint=str(start), intensity=(-1000, 1000))
    assert load_card(other).intensity == (-1000, 1000)


def test_a_store_keeps_its_window_and_runs_must_have_it(abdomen: Path, tmp_path: Path) -> None:
    store = stored(tmp_path / "store", data=abdomen, intensity=WINDOW)
    assert read_cohort([store], None).intensity == WINDOW
    model = finetuned(store, tmp_path / "model")
    assert load_card(model).intensity == WINDOW
    assert load_card(model).classes == ("spleen", "right kidney", "left kidney")
    with pytest.raises(InvalidConfig, match="--intensity"):
        finetuned(store, tmp_path / "other", intensity=(-1000, 1000))
    plain = stored(tmp_path / "plain", data=abdomen)
    for places in ([store, plain], [plain, store]):
        with pytest.raises(InvalidConfig, match="--intensity"):
            read_cohort(places, None)


def test_images_of_a_dataset_are_all_prepared_and_data_its_labelled_ones(
    abdomen: Path, tmp_path: Path
) -> None:
    every = open_store(stored(tmp_path / "every", images=(abdomen,)))
    labelled = open_store(stored(tmp_path / "labelled", data=abdomen))
    assert list(every.kept()) == ["img0001", "img0002", "img0061"]
    assert list(labelled.kept()) == ["img0001", "img0002"]
    assert not every.manifest.labelled and labelled.manifest.labelled


def test_only_named_scans_are_learnt_from(abdomen: Path, tmp_path: Path) -> None:
    names = ["img0002"]
    assert [e.name for e in read_cohort([abdomen], SPACING, names=names).examples] == names
    with pytest.raises(InvalidConfig, match="img0099"):
        read_cohort([abdomen], SPACING, names=["img0099"])
    ids = tmp_path / "ids.txt"
    ids.write_text("img0002\n")
    assert load_card(pretrained(abdomen, tmp_path / "run", ids=ids)).data.startswith("1 scans")


def test_a_decathlon_folder_is_no_store(brain: Path) -> None:
    assert (brain / "dataset.json").is_file() and not is_store(brain)
    assert find_dataset(brain) is not None


def test_a_dataset_names_its_own_images(abdomen: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidConfig, match="give it alone"):
        PrepareConfig.create(data=abdomen, images=(abdomen,), output=tmp_path)
    with pytest.raises(InvalidConfig, match="nothing to prepare"):
        PrepareConfig.create(output=tmp_path)


def test_a_dataset_that_does_not_fit_into_the_memory_is_told_before_it_is_read(
    brain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Two cases of four channels of 20 voxels cubed, in four bytes each.
    need = 2 * 4 * 20**3 * 4
    free = SimpleNamespace(available=need)
    monkeypatch.setattr("napari_toposeg.learning.cohort.psutil.virtual_memory", lambda: free)
    with pytest.raises(InvalidConfig, match="napari-toposeg prepare"):
        finetuned(brain, tmp_path / "model")
    free.available = 2 * need
    assert load_card(finetuned(brain, tmp_path / "model")).network.channels == 4


def test_a_window_that_is_upside_down_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfig, match="intensity"):
        PretrainConfig.create(phantoms=1, output=tmp_path, intensity=(250, -175))


def test_the_plan_repeats_the_window_of_the_start(abdomen: Path, tmp_path: Path) -> None:
    start = pretrained(abdomen, tmp_path / "pretrained", intensity=WINDOW)
    finetuned(abdomen, tmp_path / "model", checkpoint=str(start))
    again = FinetuneConfig.from_toml(tmp_path / "model" / "config.toml")
    assert again.intensity == WINDOW
