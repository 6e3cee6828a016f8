"""What a run leaves in its folder: enough to repeat it, to read it, and to name no one."""

import json
import socket

import numpy as np
import pytest
from matplotlib.image import imread

from napari_toposeg.config import PretrainConfig
from napari_toposeg.errors import InvalidConfig
from napari_toposeg.learning.environment import checked_out, environment, flags_of
from napari_toposeg.learning.logbook import BOARD, STEPS, Logbook
from napari_toposeg.learning.planning import plan_network
from napari_toposeg.learning.pretrain import pretrain
from napari_toposeg.progress import Step, finish

tensorboard = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")


def losses(config: PretrainConfig) -> list[dict[str, float]]:
    return [dict(step.losses) for step in pretrain(config) if step.losses]


def board_of(folder) -> "tensorboard.EventAccumulator":
    board = tensorboard.EventAccumulator(str(folder / BOARD))
    board.Reload()
    return board


@pytest.fixture
def short(small_run) -> PretrainConfig:
    return small_run.model_copy(update={"objective": "mae", "steps": 2})


@pytest.mark.parametrize(("mode", "reason"), [("file", "is a file"), ("locked", "may not be")])
def test_a_run_that_cannot_be_written_is_told_before_data_is_read(
    tmp_path, monkeypatch, mode, reason
):
    place = tmp_path / "place"
    if mode == "file":
        place.write_bytes(b"")
    else:
        place.mkdir()
        # Nothing is locked to the user who runs tests as root.
        monkeypatch.setattr("os.access", lambda path, mode: path != place)
    config = PretrainConfig.create(data=(tmp_path / "missing",), output=place / "a" / "run")
    with pytest.raises(InvalidConfig, match=reason):
        finish(pretrain(config))


def test_the_config_of_a_run_repeats_it(short, tmp_path):
    open_settings = {"crop": None, "spacing": None, "network": None, "cube": None}
    config = short.model_copy(update=open_settings | {"rotation": None})
    first = losses(config)
    written = PretrainConfig.from_toml(config.output / "config.toml", output=tmp_path / "again")
    assert written.crop and written.spacing and written.network == plan_network(config).name
    assert written.cube == config.patch
    assert losses(written) == first


def test_the_plan_is_told_before_the_first_step_and_is_what_the_folder_holds(short):
    config = short.model_copy(update={"crop": None})
    first, *_ = pretrain(config)
    assert first.plan and first.plan["crop"] is not None
    assert PretrainConfig.from_toml(config.output / "config.toml").crop == first.plan["crop"]


def test_the_environment_names_versions_and_no_person(short, monkeypatch):
    monkeypatch.setattr("sys.argv", ["napari-toposeg", "--data", "/scans/Doe_Jane", "--steps=2"])
    finish(pretrain(short))
    text = (short.output / "environment.json").read_text(encoding="utf-8")
    (entry,) = json.loads(text)
    assert entry["libraries"]["torch"] and entry["seed"] == short.seed and entry["cores"] >= 1
    assert entry["flags"] == ["--data", "--steps"]
    assert "Doe" not in text


def test_each_start_of_a_run_adds_its_environment(short):
    finish(pretrain(short))
    finish(pretrain(short.model_copy(update={"resume": True})))
    assert len(json.loads((short.output / "environment.json").read_text(encoding="utf-8"))) == 2


def test_flags_are_kept_without_their_values():
    assert flags_of(["prog", "--name=Doe", "--data", "Doe", "x"]) == ["--name", "--data"]


def test_a_folder_under_no_checkout_has_no_revision(tmp_path):
    assert checked_out(tmp_path) is None
    assert environment()["python"]


def test_tensorboard_shows_each_step_once_after_a_kill(tmp_path):
    def steps(first: int, last: int, log: Logbook) -> None:
        for number in range(first, last + 1):
            log.record(Step(number, 6, losses={"loss": 1.0 / number}), rate=0.1)

    with Logbook(tmp_path) as log:
        steps(1, 5, log)
    with Logbook(tmp_path, done=3) as log:
        steps(4, 6, log)
    assert not [path for path in tmp_path.rglob("*") if socket.gethostname() in path.name]
    told = [(event.step, event.value) for event in board_of(tmp_path).Scalars("loss/loss")]
    assert [step for step, _ in told] == [1, 2, 3, 4, 5, 6]
    np.testing.assert_allclose([value for _, value in told], 1 / np.arange(1, 7))
    lines = [
        json.loads(line)["step"]
        for line in (tmp_path / STEPS).read_text(encoding="utf-8").splitlines()
    ]
    assert lines == [1, 2, 3, 4, 5, 6]


def test_what_is_not_known_is_null_in_the_log_and_no_point_on_the_board(tmp_path):
    with Logbook(tmp_path) as log:
        log.record(Step(1, 1, metrics={"dice": float("nan"), "error": 2.0}), rate=0.1)
    line = (tmp_path / STEPS).read_text(encoding="utf-8")
    assert json.loads(line, parse_constant=pytest.fail)["metrics"] == {"dice": None, "error": 2.0}
    tags = board_of(tmp_path).Tags()["scalars"]
    assert "validation/error" in tags
    assert "validation/dice" not in tags


def test_a_preview_is_drawn_at_each_checkpoint_and_shown_on_the_board(short):
    finish(pretrain(short.model_copy(update={"previews": True})))
    picture = imread(short.output / "previews" / "000002.png")
    board = board_of(short.output)
    (shown,) = board.Images("preview")
    assert (shown.step, shown.height, shown.width) == (2, *picture.shape[:2])
    assert {"loss/mse", "validation/mse", "run/learning_rate"} <= set(board.Tags()["scalars"])
