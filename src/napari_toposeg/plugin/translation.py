"""The words of the dock in another language, where there is a catalogue for it.

The one idea: every text that a person reads passes `tr`, which looks it up in gettext's catalogue
``locale/LANGUAGE/LC_MESSAGES/napari_toposeg.mo`` beside this file or in the folder that
``NAPARI_TOPOSEG_LOCALE`` names; without one it stays English. napari's own translations are gone
since 0.9.
"""

import gettext
import os
from functools import cache
from pathlib import Path

DOMAIN = "napari_toposeg"


def tr(text: str) -> str:
    """Return a text in the language of the person, English where it is not translated.

    Words are filled in afterwards, so that a catalogue can hold the text:
    ``tr("{count} slices").format(count=3)``.
    """
    # The catalogue's entry of the empty text is its header.
    return catalogue().gettext(text) if text else text


def mark(text: str) -> str:
    """Return a text as it is: it is translated where it is shown, and listed in the template."""
    return text


@cache
def catalogue() -> gettext.NullTranslations:
    """Return the catalogue of the language that LANGUAGE, LC_ALL, LC_MESSAGES or LANG name."""
    folder = os.environ.get("NAPARI_TOPOSEG_LOCALE") or Path(__file__).parent / "locale"
    return gettext.translation(DOMAIN, folder, fallback=True)


WORDS = (
    *(mark("components"), mark("loops"), mark("cavities"), mark("b0"), mark("b1"), mark("b2")),
    *(mark("abdomen"), mark("bone"), mark("brain"), mark("full range"), mark("liver")),
    *(mark("lung"), mark("mediastinum"), mark("vessels"), mark("class {number}")),
)
"""Words that are looked up by their value: names of dimensions, of CT windows and of classes."""
