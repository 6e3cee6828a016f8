"""Wishes: three counts, or nothing, and back."""

import pytest

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.plugin.widgets.wish_delegate import meaning
from napari_toposeg.plugin.widgets.wishes import PRESETS, read_wish, write_wish


@pytest.mark.parametrize(
    ("text", "wish"),
    [("1 0 0", (1, 0, 0)), (" 2,10,0 ", (2, 10, 0)), ("", None), ("   ", None)],
)
def test_three_counts_or_nothing_are_read(text, wish) -> None:
    assert read_wish(text, "vessel") == wish
    assert read_wish(write_wish(wish), "vessel") == wish


@pytest.mark.parametrize("text", ["1", "1 0 0 0", "a b c", "1 0 -1", "1 0 0.5", "² 0 0"])
def test_anything_else_names_the_class(text) -> None:
    with pytest.raises(InvalidConfig, match="vessel"):
        read_wish(text, "vessel")


def test_every_preset_can_be_read_and_says_what_it_means() -> None:
    for text, says in PRESETS:
        assert write_wish(read_wish(text, "")) == text and meaning(text) == says
