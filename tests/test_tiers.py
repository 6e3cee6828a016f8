"""The account of the tiers can fail a session: a required screen that was not used is noticed."""

from pathlib import Path

import pytest

CONFTEST = Path(__file__).with_name("conftest.py")
MARKED = "import pytest\n@pytest.mark.gl\ndef test_canvas(): {body}\ndef test_number(): pass\n"
PLAIN = "def test_number(): pass\n"


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch):
    """Run a test file under this project's conftest in its own process."""

    def run_file(content: str, require: str) -> pytest.RunResult:
        monkeypatch.setenv("NAPARI_TOPOSEG_REQUIRE_GL", require)
        monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
        pytester.makeconftest(CONFTEST.read_text(encoding="utf-8"))
        pytester.makeini("[pytest]\nmarkers = gl: canvas\n")
        pytester.makepyfile(content)
        return pytester.runpytest_subprocess()

    return run_file


@pytest.mark.parametrize(
    ("content", "require", "exit_code"),
    [
        (MARKED.format(body="pass"), "1", 0),
        (MARKED.format(body="pytest.skip('no screen')"), "1", 1),
        (MARKED.format(body="pytest.skip('no screen')"), "", 0),
        (PLAIN, "1", 1),
        (PLAIN, "", 0),
    ],
)
def test_a_required_screen_must_be_used(run, content: str, require: str, exit_code: int) -> None:
    assert run(content, require).ret == exit_code


def test_counts_are_printed_by_tier(run) -> None:
    result = run(MARKED.format(body="pytest.skip('no screen')"), "1")
    result.stdout.fnmatch_lines(["pure*1 passed", "widget*none run", "gl*1 skipped", "*FAILED"])
