"""Every text of the dock goes through the catalogue, and the template lists them all."""

import ast
import re
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from tests.plugin.looking import pages, texts

import napari_toposeg.plugin as plugin
from napari_toposeg.plugin import translation
from napari_toposeg.plugin.case.actions import open_sample
from napari_toposeg.plugin.dock import TopoSegDock

ROOM = Path(plugin.__file__).parent
SCRIPT = Path(__file__).parents[2] / "docs" / "translations.py"
TEMPLATE = ROOM / "locale" / "napari_toposeg.pot"
NAMES = frozenset(
    [
        "torus",
        "class",
        "truth",
        "auto",
        "cpu",
        "cuda",
        "CT",
        "MR",
        "PT",
        "mm",
        "GB",
        "ml",
        "MB",
        "int",
        "uint",
        "topomae",
        "vessels",
        "unet",
        "hippocampus",
        "LPS",
        "RAS",
        "LAS",
        "SPL",
        "float",
        "MSE",
        "Dice",
        "Ctrl",
        "Alt",
        "Shift",
        "Space",
        "Return",
    ]
)
"""Words that are the same in every language: names of models, samples and classes, units, keys."""


class Brackets:
    """A catalogue that shows which texts went through it."""

    def gettext(self, text):
        return f"⟦{text}⟧"


@pytest.fixture
def bracketed(monkeypatch):
    monkeypatch.setattr(translation, "catalogue", Brackets)


def left_over(text):
    """What of a text did not go through the catalogue."""
    before = None
    while text != before:
        before, text = text, re.sub(r"⟦[^⟦⟧]*⟧", " ", text)
    return [word for word in re.findall(r"[^\W\d_]{2,}", text) if word not in NAMES]


def test_the_eye_of_the_test_sees_what_was_left_out():
    assert left_over("⟦{n} of ⟦Image⟧⟧ torus, 3 mm") == []
    assert left_over("⟦done⟧ and more") == ["and", "more"]


def test_every_text_of_the_dock_goes_through_the_catalogue(bracketed, viewer_model, qtbot):
    dock = TopoSegDock(viewer_model)
    qtbot.addWidget(dock)
    dock.show()
    seen = [*texts(dock)]
    open_sample(dock.session.viewer, "torus")
    for _ in pages(dock):
        seen += texts(dock)
    seen += texts(dock.help.show_keys())
    cards = {word for name in models() for word in re.findall(r"[^\W\d_]{2,}", name)}
    left = {(where, text) for where, text in seen if set(left_over(text)) - cards}
    dock.session.close()
    # Qt translates its own buttons.
    assert not {each for each in left if not re.search("QDialogButtonBox|QTabBar", each[0])}


def models():
    from napari_toposeg.learning.cards import list_models

    return [word for card in list_models() for word in (card.name, card.intended_use)]


TAKES_TEXT = {
    *("QLabel", "QPushButton", "QCheckBox", "QGroupBox", "QAction", "QRadioButton"),
    *("setText", "setToolTip", "setPlaceholderText", "setTitle", "setWindowTitle", "addItem"),
    *("setAccessibleName", "addAction", "setTabToolTip", "setTabText", "setLabel", "say"),
    *("button", "row", "section", "show_info", "setFormat", "setPrefix", "addRow"),
}


def untranslated(path):
    """Texts that a call hands to a widget as they are, without the catalogue."""
    for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(call, ast.Call):
            continue
        name = getattr(call.func, "id", getattr(call.func, "attr", ""))
        given = [*call.args] if name in TAKES_TEXT else []
        # The second is what the entry stands for, not what is read.
        given = given[:1] if name == "addItem" else given
        given += [word.value for word in call.keywords if word.arg in ("title", "empty")]
        for text in given:
            parts = text.values if isinstance(text, ast.JoinedStr) else [text]
            for part in parts:
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    words = set(re.findall(r"[^\W\d_]{3,}", part.value)) - NAMES
                    if words:
                        yield f"{path.relative_to(ROOM)}:{part.lineno} {part.value!r}"


@pytest.mark.parametrize("path", sorted(ROOM.rglob("*.py")), ids=lambda path: path.stem)
def test_no_text_is_handed_to_a_widget_as_it_is(path):
    assert [*untranslated(path)] == []


def test_no_text_is_filled_in_before_it_is_looked_up():
    for path in ROOM.rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") in ("tr", "mark"):
                assert not isinstance(call.args[0], ast.JoinedStr), f"{path}:{call.lineno}"


def test_the_template_lists_every_text():
    """Else: python docs/translations.py."""
    specification = spec_from_file_location("translations", SCRIPT)
    script = module_from_spec(specification)
    specification.loader.exec_module(script)
    assert TEMPLATE.read_text(encoding="utf-8") == script.template()


def test_every_text_that_is_looked_up_is_in_the_template(monkeypatch, viewer_model, qtbot):
    """Also those of tables and constants, which are looked up by a name."""
    wanted = set()

    class Listening:
        def gettext(self, text):
            wanted.add(text)
            return text

    monkeypatch.setattr(translation, "catalogue", Listening)
    dock = TopoSegDock(viewer_model)
    qtbot.addWidget(dock)
    dock.show()
    open_sample(dock.session.viewer, "torus")
    list(pages(dock))
    dock.help.show_keys()
    dock.session.close()
    with TEMPLATE.open("rb") as file:
        listed = {message.id for message in read_po(file)}
    assert len(wanted) > 50
    left = wanted - listed
    assert not left


def test_a_catalogue_in_a_folder_of_ones_own_is_used(monkeypatch, tmp_path):
    folder = tmp_path / "de" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    german = Catalog(locale="de")
    german.add("Cancel", "Abbrechen")
    with (folder / "napari_toposeg.mo").open("wb") as file:
        write_mo(file, german)
    monkeypatch.setenv("NAPARI_TOPOSEG_LOCALE", str(tmp_path))
    monkeypatch.setenv("LANGUAGE", "de")
    translation.catalogue.cache_clear()
    try:
        assert translation.tr("Cancel") == "Abbrechen"
        assert translation.tr("Pause") == "Pause"
        assert translation.tr("") == ""
    finally:
        translation.catalogue.cache_clear()
