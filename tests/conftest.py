"""What all tests share: one thread a library, the real volumes, the account of the three tiers.

A test marked ``gl`` is of the tier "gl", one that uses Qt's application of the tier "widget",
every other of the tier "pure". With ``NAPARI_TOPOSEG_REQUIRE_GL=1`` the session fails where a
``gl`` test was skipped or none was run: a machine with a screen cannot pass without using it.
"""

import os
import sys
from collections import Counter
from pathlib import Path

import pytest

# numpy, numba and torch read these when they are first imported, which no line above does.
for threads in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(threads, "1")
# napari's pytest plugin has imported numba already, which refuses another number once it works.
if "numba" not in sys.modules:
    os.environ.setdefault("NUMBA_NUM_THREADS", "1")
# Viewer edits from a thread would else succeed silently here, and crash on a user's machine.
os.environ.setdefault("NAPARI_ENSURE_PLUGIN_MAIN_THREAD", "True")

pytest_plugins = ["pytester"]

TIERS = ("pure", "widget", "gl")


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """Folder of the real volumes, from NAPARI_TOPOSEG_DATA; the test is skipped without it."""
    folder = os.environ.get("NAPARI_TOPOSEG_DATA")
    if not folder:
        pytest.skip("NAPARI_TOPOSEG_DATA does not name the folder of the real volumes")
    if not Path(folder).is_dir():
        pytest.skip(f"NAPARI_TOPOSEG_DATA is {folder}, which is no folder")
    return Path(folder).resolve()


def tier(item: pytest.Item) -> str:
    """Return the tier of a test."""
    if item.get_closest_marker("gl"):
        return "gl"
    return "widget" if "qapp" in getattr(item, "fixturenames", ()) else "pure"


class Account:
    """Counts outcomes by tier, and fails the session where the screen was required and not used."""

    def __init__(self, require_gl: bool) -> None:
        self.require_gl = require_gl
        self.tiers: dict[str, str] = {}
        self.outcomes: Counter[tuple[str, str]] = Counter()
        self.fault = ""

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.tiers = {item.nodeid: tier(item) for item in session.items}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.outcome != "passed":
            self.outcomes[self.tiers.get(report.nodeid, "pure"), report.outcome] += 1

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if not self.require_gl or session.config.option.collectonly:
            return
        if skipped := self.outcomes["gl", "skipped"]:
            self.fault = f"{skipped} gl tests were skipped"
        elif not any(count for (name, _), count in self.outcomes.items() if name == "gl"):
            self.fault = "no gl test was run"
        if self.fault and session.exitstatus in (0, pytest.ExitCode.NO_TESTS_COLLECTED):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        terminalreporter.section("tests by tier")
        for name in TIERS:
            counts = {what: n for (of, what), n in sorted(self.outcomes.items()) if of == name}
            line = ", ".join(f"{n} {what}" for what, n in counts.items()) or "none run"
            terminalreporter.line(f"{name:7}{line}")
        if self.fault:
            terminalreporter.line(
                f"NAPARI_TOPOSEG_REQUIRE_GL=1, but {self.fault}: FAILED", red=True
            )


def has_screen() -> bool:
    """Tell whether there is a display; pytest-xvfb has started one by now where it can."""
    if not sys.platform.startswith("linux"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without a screen, let widgets be drawn nowhere and skip what needs a canvas."""
    if has_screen():
        return
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    for item in items:
        if item.get_closest_marker("gl"):
            item.add_marker(pytest.mark.skip(reason="no display: set DISPLAY or install Xvfb"))


def pytest_configure(config: pytest.Config) -> None:
    """Start the account."""
    required = os.environ.get("NAPARI_TOPOSEG_REQUIRE_GL") == "1"
    config.pluginmanager.register(Account(required), "napari-toposeg-tiers")
