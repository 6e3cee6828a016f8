"""The report of a case: whole in itself, each count with its connectivity, nothing of a machine."""

import base64
import re
from html.parser import HTMLParser
from io import BytesIO

import matplotlib.image
import numpy as np
import pytest

from napari_toposeg.reports import (
    Case,
    ErrorView,
    Judged,
    Table,
    plot_closeups,
    write_case_page,
)
from napari_toposeg.reports.case_page import MOST_ROWS, centre_of
from napari_toposeg.reports.closeups import box_about, flattest
from napari_toposeg.topology import persistence
from napari_toposeg.volume import Volume

VOID = {"meta", "img", "br", "link", "hr", "input"}


class Balance(HTMLParser):
    """Fails where a tag is closed that is not the last one opened."""

    def __init__(self):
        super().__init__()
        self.open = []

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture
def scan():
    voxels = np.random.default_rng(0).normal(0, 100, (20, 24, 28)).astype(np.float32)
    affine = np.diag([-0.7, -0.7, 2.0, 1.0])
    return Volume(voxels, affine, modality="CT", name="thorax <3>", notes=("gantry tilt",))


@pytest.fixture
def full(scan):
    labels = np.zeros(scan.shape, np.uint8)
    labels[5:10, 5:12, 5:12], labels[15:, 20:, 20:] = 1, 2
    missed = np.zeros(scan.shape, bool)
    missed[7, 5:12, 3:5] = True
    rows = [("vessel", 1, "splits", number) for number in range(MOST_ROWS + 5)]
    judged = Judged(
        "truth",
        Table(("class", "b0"), (("vessel", 3),)),
        Table(("class", "label", "kind", "voxels"), rows),
        (ErrorView("splits, 14 mm³", np.flatnonzero(missed)),),
        labels > 0,
        (labels > 0) | missed,
    )
    return Case(
        scan,
        (-100.0, 200.0),
        scan.with_voxels(labels, modality="label"),
        {1: "vessel"},
        Table(("label", "class"), ((1, "vessel"),)),
        6,
        judged,
        persistence(scan.voxels, construction="T", superlevel=True),
        "thorax: 26-connected",
        "HU",
        150.0,
        (Table(("class", "b0 before"), (("vessel", 3),)), Table(("edit",), (("joins",),))),
        {"name": "vessels-ct"},
        {"segment.overlap": 25},
    )


def read(path):
    return path.read_text(encoding="utf-8")


def test_the_page_holds_all_its_pictures_and_loads_nothing(full, tmp_path):
    html = read(write_case_page(tmp_path / "report.html", full))
    pictures = re.findall(r'src="data:image/png;base64,([^"]+)"', html)
    assert len(pictures) == 3
    for picture in pictures:
        shown = matplotlib.image.imread(BytesIO(base64.b64decode(picture)))
        assert shown[..., :3].std() > 0.05
    assert not re.search(r'(src|href)="(?!data:)|@import|url\(|<script|<link', html)
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_the_page_is_well_formed_whatever_the_names(full, tmp_path):
    html = read(write_case_page(tmp_path / "report.html", full))
    balance = Balance()
    balance.feed(html)
    assert balance.open == [] and "thorax &lt;3&gt;" in html


def test_each_count_names_its_connectivity_and_research_use_is_said(full, tmp_path):
    html = read(write_case_page(tmp_path / "report.html", full))
    assert html.count("foreground 6-connected, background 26-connected") == 2
    assert html.count("foreground 26-connected, background 6-connected") == 1
    for words in ("Research use only", "gantry tilt", "vessels-ct", "segment.overlap", "joins"):
        assert words in html
    assert f"{MOST_ROWS + 5} errors" in html and "5 more are in the CSV" in html


def test_the_page_tells_nothing_of_the_machine(full, tmp_path):
    html = read(write_case_page(tmp_path / "report.html", full))
    assert str(tmp_path) not in html and "/home" not in html and "/tmp" not in html


def test_what_is_not_there_has_no_section(scan, tmp_path):
    html = read(write_case_page(tmp_path / "report.html", Case(scan)))
    assert re.findall(r"<h2>(.*)</h2>", html) == ["The scan", "How it was made"]


def test_the_slices_pass_through_the_worst_error(full):
    z, y, x = centre_of(full)
    assert z == 7 and 5 <= y < 12 and x in (3, 4)


def test_an_error_is_shown_across_its_thin_side_and_whole(scan):
    places = np.argwhere(np.ones((1, 16, 3), bool)) + np.array([4, 2, 9])
    assert flattest(places, (1, 1, 1)) == 0
    (z, y, x), (_, width, height, _) = box_about(places, 0, scan)
    assert z == 4 and y.start <= 2 and y.stop >= 18 and x.start <= 9 and x.stop >= 12
    assert height == pytest.approx((y.stop - y.start) * 0.7)
    assert width == pytest.approx((x.stop - x.start) * 0.7)


def test_an_error_at_the_edge_of_a_flat_volume_is_drawn(tmp_path):
    flat = Volume(np.zeros((1, 6, 5), np.float32), np.diag([-1.0, -1.0, 1.0, 1.0]))
    views = [ErrorView("missing", np.array([0])), ErrorView("missing", np.array([29]))]
    path = plot_closeups(flat, (0, 1), views, tmp_path / "a.png", outlines={})
    assert path.stat().st_size > 1000
