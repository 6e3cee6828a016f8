"""Flags come from the configs: names, types, units and defaults are said once."""

from pathlib import Path

import pytest

from napari_toposeg.cli import build_parser
from napari_toposeg.cli.flags import read_settings
from napari_toposeg.config import FinetuneConfig, MeasureConfig, PredictConfig, PretrainConfig
from napari_toposeg.demo.settings import DemoConfig
from napari_toposeg.errors import InvalidConfig

CONFIGS = {
    "demo": DemoConfig,
    "pretrain": PretrainConfig,
    "finetune": FinetuneConfig,
    "predict": PredictConfig,
    "measure": MeasureConfig,
}


def flags(command: str) -> dict[str, str]:
    """Return the flags of a command with their help."""
    commands = next(a for a in build_parser()._actions if a.dest == "command").choices
    return {a.dest: a.help for a in commands[command]._actions}


def settings(words: str, config: type = PretrainConfig):
    """Return the config that a command line stands for."""
    return read_settings(build_parser().parse_args(words.split()), config)


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


def test_the_commands_are_those_that_exist() -> None:
    commands = next(a for a in build_parser()._actions if a.dest == "command").choices
    training = {"prepare", "pretrain", "finetune", "calibrate", "compare"}
    assert set(commands) == training | {"demo", "predict", "measure", "models"}


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


def test_steps_win_over_the_minutes_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "run.toml"
    file.write_text('output = "run"\ncheckpoint = "none"\nminutes = 7.5\n')
    assert settings(f"finetune --config {file}", FinetuneConfig).minutes == 7.5
    config = settings(f"finetune --config {file} --steps 10", FinetuneConfig)
    assert (config.steps, config.minutes) == (10, 0)
    both = settings(f"finetune --config {file} --steps 10 --minutes 2", FinetuneConfig)
    assert (both.steps, both.minutes) == (10, 2)


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


def test_a_voxel_has_a_size() -> None:
    for size in (0.0, float("nan"), float("inf")):
        with pytest.raises(InvalidConfig, match=r"^spacing: Input should be"):
            PretrainConfig.create(output=Path("run"), phantoms=1, spacing=(size, 1.0, 1.0))


def test_settings_that_are_wrong_together_are_told_in_words_alone() -> None:
    with pytest.raises(InvalidConfig, match=r"^there is nothing to learn from; give data"):
        PretrainConfig.create(output=Path("run"))


def test_a_batch_that_cannot_be_shared_is_refused_before_anything_is_read(tmp_path):
    with pytest.raises(InvalidConfig, match="batch of 8 cannot be divided into 6 equal parts"):
        PretrainConfig.create(phantoms=1, output=tmp_path, batch=8, accumulate=3, devices=2)


def test_two_sources_of_validation_are_refused(tmp_path):
    with pytest.raises(InvalidConfig, match="give one of them"):
        PretrainConfig.create(
            phantoms=1, output=tmp_path, validation=(tmp_path,), validation_share=0.1
        )


def test_a_dimension_that_is_named_twice_is_refused() -> None:
    with pytest.raises(InvalidConfig, match="each dimension can be named once"):
        settings("pretrain --data a --output run --topology-dimensions 0 0")
