"""A report: one page that opens anywhere, and the same figures for machines.

The page holds its pictures in itself and loads nothing from elsewhere. Neither file holds a path of
this machine.
"""

import base64
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from napari_toposeg.config import write_atomically


@dataclass(frozen=True)
class Table:
    """Rows of a page: the header, then one tuple of equal length for each row."""

    columns: tuple[str, ...]
    rows: Sequence[Sequence[Any]]
    caption: str = ""


@dataclass(frozen=True)
class Section:
    """One part of a page.

    Parameters
    ----------
    title
        Heading.
    text
        Paragraphs.
    picture, caption
        A PNG, and what it shows.
    tables
        Tables under the text.
    """

    title: str
    text: tuple[str, ...] = ()
    picture: Path | None = None
    caption: str = ""
    tables: tuple[Table, ...] = ()


@dataclass(frozen=True)
class Report:
    """What a page says.

    Parameters
    ----------
    title, subtitle
        Heading of the page and the line under it.
    warnings
        What a reader must know first.
    sections
        Parts in order.
    data
        The figures for machines, written as ``report.json``.
    """

    title: str
    subtitle: str = ""
    warnings: tuple[str, ...] = ()
    sections: tuple[Section, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)


def write_report(folder: Path, report: Report) -> Path:
    """Write ``report.html`` and ``report.json`` into a folder and return the page's path."""
    page = Path(folder) / "report.html"
    write_page(page, report)
    write_atomically(page.with_suffix(".json"), plain(report.data).encode())
    return page


def write_page(path: Path, report: Report) -> None:
    """Write a report's page alone."""
    environment = Environment(
        loader=PackageLoader("napari_toposeg.reports", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"embedded": embedded, "shown": shown}
    html = environment.get_template("page.html.jinja").render(report=report)
    write_atomically(path, html.encode())


def embedded(picture: Path) -> str:
    """Return a PNG as an address that holds the picture itself."""
    return f"data:image/png;base64,{base64.b64encode(picture.read_bytes()).decode()}"


def shown(value: Any) -> str:
    """Return a cell for a person: at most four significant digits, a dash for nothing."""
    match value:
        case None:
            return "–"
        case bool() | np.bool_():
            return "yes" if value else "no"
        case float() | np.floating():
            return f"{value:.4g}" if math.isfinite(value) else "–"
        case tuple() | list():
            return " × ".join(shown(part) for part in value)
    return str(value)


def plain(data: Any) -> str:
    """Return data as JSON: numpy's numbers as numbers, what is not finite as null."""
    return json.dumps(simplified(data), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def simplified(value: Any) -> Any:
    """Return a value built of what JSON knows."""
    match value:
        case Mapping():
            return {str(key): simplified(part) for key, part in value.items()}
        case np.ndarray():
            return simplified(value.tolist())
        case tuple() | list():
            return [simplified(part) for part in value]
        case np.generic():
            return simplified(value.item())
        case float():
            return value if math.isfinite(value) else None
        case Path():
            return value.as_posix()
        case None | bool() | int() | str():
            return value
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")
