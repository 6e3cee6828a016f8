"""The command line: flags come from the configs, errors are one line, Ctrl-C keeps the best."""

import io
import json
import os
import signal
import struct
import sys
import threading
import types
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from napari_toposeg.cli import build_parser, main
from napari_toposeg.cli.flags import read_settings
from napari_toposeg.cli.watch import Bar, Lines, watch
from napari_toposeg.config import FinetuneConfig, PredictConfig, PretrainConfig
from napari_toposeg.demo.settings import DemoConfig
from napari_toposeg.errors import InvalidConfig
from napari_toposeg.progress import Step

CONFIGS = {
    "demo": DemoConfig,
    "pretrain": PretrainConfig,
    "finetune": FinetuneConfig,
    "predict": PredictConfig,
}


def flags(command: str) -> dict[str, str]:
    """Return the flags of a command with their help."""
    commands = next(a for a in build_parser()._actions if a.dest == "command").choices
    return {a.dest: a.help for a in commands[command]._actions}


def settings(words: str, config: type = PretrainConfig):
    """Return the config that a command line stands for."""
    return read_settings(build_parser().parse_args(words.split()), config)


@pytest.fixture
def stub_run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list]:
    """Put a function in the place of a run; return the configs that it is called with."""

    def put(name: str, run: Callable) -> list:
        seen: list = []

        def noted(config):
            seen.append(config)
            return run(config)

        module = types.ModuleType(f"napari_toposeg.learning.{name}")
        setattr(module, name, noted)
        devices = types.ModuleType("napari_toposeg.learning.devices")
        devices.describe_device = lambda device: "a machine"
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setitem(sys.modules, devices.__name__, devices)
        return seen

    return put


def training_steps(config: PretrainConfig) -> Iterator[Step]:
    """Run three steps and leave a best checkpoint at the second."""
    best = config.output / "best.safetensors"
    for number in (1, 2, 3):
        if number == 2:
            config.output.mkdir(parents=True)
            best.write_bytes(b"weights")
        yield Step(number, 3, losses={"loss": 1 / number}, message="training")


@pytest.mark.parametrize("command", CONFIGS)
def test_every_setting_is_a_flag_that_says_its_meaning(command: str) -> None:
    known = flags(command)
    for name, field in CONFIGS[command].model_fields.items():
        assert field.description.replace("%", "%%") in known[name]


@pytest.mark.parametrize("command", CONFIGS)
def test_a_default_that_help_states_is_the_one_that_holds(command: str) -> None:
    for name, field in CONFIGS[command].model_fields.items():
        if isinstance(field.default, int | float) and not isinstance(field.default, bool):
            assert f"(default: {field.default})" in flags(command)[name]


def test_later_commands_and_flags_are_absent() -> None:
    commands = next(a for a in build_parser()._actions if a.dest == "command").choices
    assert set(commands) == {"demo", "pretrain", "finetune", "predict", "measure", "models"}
    assert not {"repair", "features"} & set(flags("predict"))


def test_flags_become_the_settings() -> None:
    config = settings("pretrain --data a b --output run --crop 24 36 48 --spacing 1 1.5 2 --resume")
    assert config.data == (Path("a"), Path("b"))
    assert config.crop == (24, 36, 48)
    assert config.spacing == (1.0, 1.5, 2.0)
    assert config.resume
    assert config.steps == PretrainConfig.model_fields["steps"].default


def test_a_bare_path_is_the_scan_of_the_demo() -> None:
    assert settings("demo scan.nii.gz --seed 3", DemoConfig).path == Path("scan.nii.gz")
    assert settings("demo", DemoConfig).path is None


def test_flags_win_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "run.toml"
    file.write_text('data = ["a"]\noutput = "run"\nsteps = 5\nbatch = 3\nresume = true\n')
    config = settings(f"pretrain --config {file} --steps 7 --no-resume")
    assert (config.steps, config.batch, config.resume) == (7, 3, False)


def test_a_file_written_by_a_config_reads_back_equal(tmp_path: Path) -> None:
    config = settings("pretrain --data a --output run --mask-ratio 0.7")
    config.to_toml(tmp_path / "run.toml")
    assert settings(f"pretrain --config {tmp_path / 'run.toml'}") == config


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("pretrain --output run", "data"),
        ("pretrain --data a --output run --mask-ratio 1.5", "mask_ratio"),
        ("pretrain --config nowhere.toml", "nowhere.toml"),
    ],
)
def test_a_wrong_setting_is_named(words: str, named: str) -> None:
    with pytest.raises(InvalidConfig, match=named):
        settings(words)


@pytest.mark.parametrize(
    "words",
    [
        "",
        "fly",
        "pretrain --steps many",
        "pretrain --objective unheard-of",
        "pretrain --crop 1 2",
        "measure --prediction a",
        "models",
    ],
)
def test_wrong_flags_end_with_2_and_one_line(words: str, capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit) as end:
        main(words.split())
    out, err = capsys.readouterr()
    assert end.value.code == 2
    assert out == "" and len(err.splitlines()) == 1 and "--help" in err


def test_wrong_input_ends_with_2_and_one_line(capsys: pytest.CaptureFixture) -> None:
    assert main(["demo", "nowhere.nii.gz", "--headless", "--output", "never"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines()[-1].startswith("napari-toposeg demo: ") and "Traceback" not in err


def test_our_own_fault_is_not_hidden(stub_run) -> None:
    stub_run("pretrain", lambda config: (1 / 0 for _ in (1,)))
    with pytest.raises(ZeroDivisionError):
        main(["pretrain", "--data", "a", "--output", "run"])


def test_training_prints_the_plan_first_and_the_best_last(
    stub_run, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    seen = stub_run("pretrain", training_steps)
    run = tmp_path / "run"
    assert main(["pretrain", "--data", "a", "--output", str(run), "--steps", "3"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("plan\n") and "a machine" in out and "0.6" in out
    assert str(run / "best.safetensors") in out
    assert "3/3" in err and "loss=0.3333" in err
    assert seen[0].steps == 3


def test_json_is_all_that_reaches_stdout(
    stub_run, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    stub_run("pretrain", training_steps)
    assert main(["pretrain", "--data", "a", "--output", str(tmp_path / "run"), "--json"]) == 0
    out, err = capsys.readouterr()
    answer = json.loads(out)
    assert answer["step"] == 3 and answer["best"].endswith("best.safetensors")
    assert err.startswith("plan\n")


def test_ctrl_c_ends_after_the_step_and_keeps_the_best(
    stub_run, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    closed = []

    def interrupted(config):
        try:
            for step in training_steps(config):
                if step.step == 2:
                    os.kill(os.getpid(), signal.SIGINT)
                yield step
        finally:
            closed.append(True)

    stub_run("finetune", interrupted)
    words = ["finetune", "--checkpoint", "none", "--output", str(tmp_path / "run")]
    assert main(words) == 130
    out, _ = capsys.readouterr()
    assert "stopped: step 2 of 3" in out
    assert f"best kept at {tmp_path / 'run' / 'best.safetensors'}" in out
    assert closed == [True]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_second_ctrl_c_does_not_wait() -> None:
    def stuck():
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        yield Step(1, 2)

    with pytest.raises(KeyboardInterrupt):
        watch(stuck(), io.StringIO())


def test_watching_returns_what_the_run_returns() -> None:
    def run():
        yield Step(1, 1)
        return "result"

    outcome = watch(run(), io.StringIO())
    assert (outcome.result, outcome.last.step, outcome.stopped) == ("result", 1, False)


def test_a_log_gets_whole_lines_with_speed_and_time_left() -> None:
    log = io.StringIO()
    lines = Lines(log)
    for number in range(1, 51):
        lines(Step(number, 50, losses={"loss": 0.5}, message="training"))
    written = log.getvalue().splitlines()
    assert len(written) == 2, "the first step and the last"
    assert "50/50" in written[1] and "loss=0.5" in written[1] and "step" in written[1]
    assert "\r" not in log.getvalue()


def test_a_bar_begins_anew_with_the_next_stretch() -> None:
    bar = Bar(io.StringIO())
    bar(Step(4, 4, message="first"))
    bar(Step(1, 9, message="second"))
    assert (bar.bar.n, bar.bar.total) == (1, 9)
    bar.close()


def test_a_bar_keeps_the_last_measure() -> None:
    bar = Bar(io.StringIO())
    bar(Step(1, 3, losses={"loss": 1.0}, metrics={"dice": 0.8}))
    bar(Step(2, 3, losses={"loss": 0.5}))
    assert bar.shown == {"loss": "0.5", "dice": "0.8"}
    bar.close()


def test_errors_of_the_system_are_told_in_one_line(
    stub_run, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    stub_run("pretrain", lambda config: iter(config.output.mkdir(parents=True) or ()))
    assert main(["pretrain", "--data", "a", "--output", str(tmp_path / "file" / "run")]) == 2
    assert "Traceback" not in capsys.readouterr().err


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty store of models."""
    folder = tmp_path / "store"
    monkeypatch.setenv("NAPARI_TOPOSEG_MODELS", str(folder))
    return folder


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Write a file that is a model as far as its card goes."""
    from napari_toposeg.config import NetworkConfig
    from napari_toposeg.learning.cards import Card

    card = Card(
        name="mine",
        task="segment",
        network=NetworkConfig(),
        crop=(48, 48, 48),
        spacing=(1, 1, 1),
        classes=("vessel",),
        intended_use="Trying things out.",
    )
    header = json.dumps({"__metadata__": {"card": card.model_dump_json()}}).encode()
    path = tmp_path / "mine.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header)
    return path


def listed(capsys: pytest.CaptureFixture) -> list[str]:
    """Return the names that models list gives."""
    capsys.readouterr()
    assert main(["models", "list", "--json"]) == 0
    return [card["name"] for card in json.loads(capsys.readouterr().out)]


def test_a_model_goes_in_is_shown_goes_out_and_is_removed(
    store: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    assert main(["models", "import", str(model), "--name", "other"]) == 0
    assert "other" in listed(capsys)
    assert main(["models", "info", "other"]) == 0
    assert "Trying things out." in capsys.readouterr().out
    assert main(["models", "export", "other", str(tmp_path / "copy.safetensors")]) == 0
    assert (tmp_path / "copy.safetensors").read_bytes() == model.read_bytes()
    assert main(["models", "remove", "other"]) == 0
    assert "other" not in listed(capsys)


def test_a_model_is_imported_under_its_files_name(
    store: Path, model: Path, capsys: pytest.CaptureFixture
) -> None:
    assert main(["models", "import", str(model)]) == 0
    assert "mine" in listed(capsys)


def test_a_model_is_fetched_from_a_url(
    store: Path, model: Path, capsys: pytest.CaptureFixture
) -> None:
    handler = partial(SimpleHTTPRequestHandler, directory=str(model.parent))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/{model.name}"
        assert main(["models", "import", address]) == 0
        assert main(["models", "import", f"{address}.missing"]) == 2
        server.shutdown()
    assert "mine" in listed(capsys)


@pytest.mark.parametrize("words", ["info nothing", "remove nothing", "import nowhere.safetensors"])
def test_a_model_that_is_not_there_is_one_clear_line(
    store: Path, words: str, capsys: pytest.CaptureFixture
) -> None:
    assert main(["models", *words.split()]) == 2
    err = capsys.readouterr().err
    assert err.startswith("napari-toposeg models: ") and len(err.splitlines()) == 1


def label_map(path: Path, voxels: np.ndarray) -> None:
    """Write a label map at 2 mm."""
    path.parent.mkdir(exist_ok=True)
    nib.save(nib.Nifti1Image(voxels.astype(np.uint8), np.diag([2, 2, 2, 1.0])), path)


@pytest.fixture
def folders(tmp_path: Path) -> list[str]:
    """Write two cases: one predicted exactly, one whose bar is cut in two."""
    bar = np.zeros((10, 8, 8))
    bar[1:9, 3:5, 3:5] = 1
    cut = bar.copy()
    cut[4:6] = 0
    for name, found in (("whole", bar), ("cut", cut)):
        label_map(tmp_path / "prediction" / f"{name}.nii.gz", found)
        label_map(tmp_path / "truth" / f"{name}.nii.gz", bar)
    return ["--prediction", str(tmp_path / "prediction"), "--truth", str(tmp_path / "truth")]


def test_a_cut_bar_is_an_error_of_b0(folders: list[str], capsys: pytest.CaptureFixture) -> None:
    assert main(["measure", *folders, "--classes", "bar", "--json"]) == 0
    rows = {row["case"]: row for row in json.loads(capsys.readouterr().out)["rows"]}
    assert rows["whole"]["dice"] == 1 and rows["whole"]["betti_exact"] == 1
    assert rows["cut"]["betti_error_0"] == 1 and rows["cut"]["class"] == "bar"


def test_measures_are_a_table_a_file_and_a_page(
    folders: list[str], tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    file, page = tmp_path / "m.json", tmp_path / "m.html"
    assert main(["measure", *folders, "--json", str(file), "--html", str(page)]) == 0
    out = capsys.readouterr().out
    assert "Dice" in out and "26-connected" in out and "[" in out, "means with intervals"
    assert len(json.loads(file.read_text())["rows"]) == 2
    assert "cut" in page.read_text() and "Research use only" in page.read_text()
