"""Wishes: the Betti numbers that a person wants of a class, as text and as numbers.

The one idea: no wish is a wish too: an empty text leaves a class as it is. No Qt here.
"""

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.plugin.translation import mark

Wish = tuple[int, int, int]
"""Components, loops and cavities."""

PRESETS: tuple[tuple[str, str], ...] = (
    ("", mark("any")),
    ("1 0 0", mark("one solid piece")),
    ("2 0 0", mark("two solid pieces")),
    ("1 1 0", mark("one ring")),
    ("1 0 1", mark("one hollow shell")),
)
"""Wishes that are offered, each with what it means."""


def read_wish(text: str, name: str) -> Wish | None:
    """Return the three counts that a text holds, None where it holds none.

    Parameters
    ----------
    text
        ``"1 0 0"``, ``"1, 0, 0"`` or nothing.
    name
        Whose numbers they are, for the error.

    Raises
    ------
    InvalidConfig
        If it is something other than three counts.
    """
    words = text.replace(",", " ").split()
    if not words:
        return None
    if len(words) != 3 or not all(word.isdecimal() for word in words):
        raise InvalidConfig(
            f"the numbers wanted of {name} are {' '.join(words)!r}; "
            "write three counts for components, loops and cavities, as in 1 0 0, or nothing"
        )
    b0, b1, b2 = (int(word) for word in words)
    return b0, b1, b2


def write_wish(wish: Wish | None) -> str:
    """Return a wish as text, empty where there is none."""
    return "" if wish is None else " ".join(map(str, wish))
