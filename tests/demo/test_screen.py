"""Without a usable display the demo says so and goes on."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from napari_toposeg.cli import main
from napari_toposeg.demo import screen


def test_without_a_display_it_goes_headless_and_says_so(
    models: SimpleNamespace,
    oblique: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:
    monkeypatch.setattr(screen.sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert main(["demo", str(oblique), "--output", str(tmp_path), *models.words]) == 0
    out, err = capsys.readouterr()
    assert "there is no display" in err and "headless" in err
    assert str(tmp_path) in out and (tmp_path / "report.html").exists()


def test_a_display_that_does_not_answer_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screen.sys, "platform", "linux")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.delenv("QT_QPA_PLATFORM", raising=False)
    monkeypatch.setenv("DISPLAY", ":987")
    assert "display" in str(screen.missing_screen())
