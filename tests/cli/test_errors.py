"""Wrong flags and wrong input: exit code 2 and one clear line; our own faults are not hidden."""

import logging
from pathlib import Path

import pytest

from napari_toposeg.cli import main
from napari_toposeg.errors import InvalidConfig


@pytest.mark.parametrize(
    "words",
    [
        "",
        "fly",
        "pretrain --steps many",
        "pretrain --objective unheard-of",
        "pretrain --crop 1 2",
        "measure --tolerance much",
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


def test_errors_of_the_system_are_told_in_one_line(
    stub_run, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    stub_run("pretrain", lambda config: iter(config.output.mkdir(parents=True) or ()))
    assert main(["pretrain", "--data", "a", "--output", str(tmp_path / "file" / "run")]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_what_the_package_logs_is_shown_on_stderr(stub_run, capsys: pytest.CaptureFixture) -> None:
    def log(_config):
        logging.getLogger("napari_toposeg").info("compiling, once")
        raise InvalidConfig("enough")
        yield

    stub_run("pretrain", log)
    main(["pretrain", "--data", "a", "--output", "run"])
    assert "napari-toposeg: compiling, once" in capsys.readouterr().err
