"""Write the template of translations: every text of the dock that can be translated.

    python docs/translations.py

It lists what the code hands to `tr` and `mark`, by file. A translator copies the template to
``locale/LANGUAGE/LC_MESSAGES/napari_toposeg.po`` and compiles it with ``pybabel compile``.
"""

from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import write_po

PLUGIN = Path(__file__).parents[1] / "src" / "napari_toposeg" / "plugin"
TEMPLATE = PLUGIN / "locale" / "napari_toposeg.pot"
HEADER = """# Texts of napari-toposeg's dock.
msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\\n"

"""


def template() -> str:
    """Return the template as it should be; it names files and no lines, which change daily."""
    catalog = Catalog()
    keywords: dict[str, None] = {"tr": None, "mark": None}
    for name, _, text, _, _ in extract_from_dir(
        str(PLUGIN), method_map=[("**.py", "python")], keywords=keywords
    ):
        catalog.add(text, locations=[(Path(name).as_posix(), None)])
    written = BytesIO()
    write_po(written, catalog, omit_header=True, sort_output=True)
    return HEADER + written.getvalue().decode()


if __name__ == "__main__":
    TEMPLATE.parent.mkdir(exist_ok=True)
    TEMPLATE.write_text(template(), encoding="utf-8")
    print(TEMPLATE)
