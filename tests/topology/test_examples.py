"""The examples of the topology page and of the docstrings show what really comes out."""

import doctest
from pathlib import Path

import numpy as np
import pytest

from napari_toposeg.topology import (
    betti,
    class_repairs,
    cubical,
    defects,
    distances,
    matching,
    repairs,
)

PAGE = Path(__file__).parents[2] / "docs" / "topology.md"


def test_snippets_of_the_page():
    outcome = doctest.testfile(str(PAGE), module_relative=False)
    assert outcome.attempted >= 15
    assert outcome.failed == 0


@pytest.mark.parametrize(
    "module", [betti, cubical, defects, distances, matching, repairs, class_repairs]
)
def test_examples_in_docstrings(module):
    outcome = doctest.testmod(module, extraglobs={"np": np})
    assert outcome.attempted > 0
    assert outcome.failed == 0


def test_page_describes_every_kind_of_defect():
    table = PAGE.read_text(encoding="utf-8")
    assert [kind for kind in defects.KINDS if f"| {kind} |" not in table] == []
