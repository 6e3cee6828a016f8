"""The notebook of the docs runs from top to bottom, and says what it says in the docs."""

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[2] / "docs" / "walkthrough.ipynb"


def printed_by(cell):
    """What a cell prints, in however many pieces it came."""
    return "".join(
        output.text if output.output_type == "stream" else output.data["text/plain"]
        for output in cell.get("outputs", [])
    )


def printed(cells):
    """What the cells print, numbers aside: other machines round otherwise."""
    return re.sub(r"\d+(\.\d+)?", "#", "".join(map(printed_by, cells)))


@pytest.fixture(scope="module")
def notebook():
    return nbformat.read(NOTEBOOK, as_version=4)


def test_it_holds_small_texts_and_no_persons_paths(notebook):
    nbformat.validate(notebook)
    assert NOTEBOOK.stat().st_size < 30_000
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            assert output.output_type == "stream" or set(output.data) == {"text/plain"}
            assert getattr(output, "name", "stdout") == "stdout"
        assert not re.search(r"/(home|tmp|work|Users)/", nbformat.v4.writes(cell_alone(cell)))


def cell_alone(cell):
    return nbformat.v4.new_notebook(cells=[cell])


def test_it_runs_from_a_scan_to_a_repaired_mask(notebook, tmp_path, monkeypatch):
    monkeypatch.setenv("NAPARI_CONFIG", "")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    again = nbformat.from_dict(notebook)
    client = NotebookClient(
        again, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()
    assert printed(again.cells) == printed(notebook.cells)
    assert "vessels.nii.gz True" in printed_by(again.cells[-1])
    (repair,) = (c for c in again.cells if c.cell_type == "code" and "repair_layer" in c.source)
    wanted, made = re.findall(r"\(\d+, \d+, \d+\)", printed_by(repair))
    assert wanted == made
