"""The page: whole in itself, safe with any text, and its figures readable by machines."""

import base64
import json
import re
from pathlib import Path

import numpy as np
import pytest

from napari_toposeg.reports import Report, Section, Table, plain, write_report
from napari_toposeg.reports.page import shown

PNG = b"\x89PNG picture"


@pytest.fixture
def html(tmp_path: Path) -> str:
    picture = tmp_path / "picture.png"
    picture.write_bytes(PNG)
    section = Section(
        "Numbers <b>",
        ("text & more",),
        picture,
        'caption "quoted"',
        (Table(("name", "value"), (("a", 1.23456), ("b", float("nan"))), "a caption"),),
    )
    report = Report("Title", "subtitle", ("beware",), (section,), {"folder": Path("a/b")})
    return write_report(tmp_path, report).read_text(encoding="utf-8")


def test_the_picture_is_in_the_page(html: str) -> None:
    held = re.search(r'src="data:image/png;base64,([^"]+)"', html)
    assert held and base64.b64decode(held[1]) == PNG


def test_the_page_loads_nothing_from_elsewhere(html: str) -> None:
    assert not re.search(r'(src|href)="(?!data:)|@import|url\(|<script|<link', html)


def test_the_page_names_no_folder_of_this_machine(html: str, tmp_path: Path) -> None:
    assert str(tmp_path) not in html


def test_text_is_text(html: str) -> None:
    assert "Numbers &lt;b&gt;" in html and "text &amp; more" in html


def test_it_says_research_use_only_and_every_warning(html: str) -> None:
    assert "Research use only." in html and "beware" in html


def test_what_is_not_a_number_is_a_dash(html: str) -> None:
    assert "<td>1.235</td>" in html and "<td>–</td>" in html


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (True, "yes"),
        (np.float32(0.5), "0.5"),
        ((64, 32, 1.5), "64 × 32 × 1.5"),
        (12, "12"),
        (np.inf, "–"),
    ],
)
def test_cells_read_well(value: object, text: str) -> None:
    assert shown(value) == text


def test_figures_are_strict_json() -> None:
    data = {
        "array": np.arange(3),
        "float": np.float32(1.5),
        "infinite": np.inf,
        1: (True, None),
        "path": Path("a") / "b",
    }
    assert json.loads(plain(data)) == {
        "array": [0, 1, 2],
        "float": 1.5,
        "infinite": None,
        "1": [True, None],
        "path": "a/b",
    }


def test_what_json_does_not_know_is_an_error() -> None:
    with pytest.raises(TypeError, match="object"):
        plain({"thing": object()})
