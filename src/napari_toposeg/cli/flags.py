"""Flags derived from the settings of a run: name, type, choices, unit and default are said once.

A flag that is not given is absent from the parsed arguments, so that the settings of a TOML file
hold unless a flag overrides them.
"""

import argparse
from collections.abc import Collection
from pathlib import Path
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    NoReturn,
    TypeAlias,
    TypeVar,
    Union,
    get_args,
    get_origin,
)

from pydantic import BeforeValidator
from pydantic.fields import FieldInfo

from napari_toposeg.config import RunConfig

Config = TypeVar("Config", bound=RunConfig)

PLACEHOLDERS = {int: "N", float: "X", Path: "PATH", str: "NAME"}


class Parser(argparse.ArgumentParser):
    """A parser that answers a wrong flag with one clear message."""

    def error(self, message: str) -> NoReturn:
        """Print the message, not the whole usage, and exit with 2."""
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


Commands: TypeAlias = "argparse._SubParsersAction[Parser]"
"""What commands are added to."""


def add_flags(
    parser: argparse.ArgumentParser,
    config: type[RunConfig],
    *,
    bare: Collection[str] = (),
    without: Collection[str] = (),
) -> None:
    """Add a flag for each setting of a config, and ``--config``.

    Parameters
    ----------
    bare
        Names of settings that are given without a flag.
    without
        Names of settings that no flag can say, as they hold others: the file alone has them.
    """
    for name, field in config.model_fields.items():
        if name in without:
            continue
        form = form_of(field.annotation)
        if name in bare:
            kind, shown = form["type"], form["metavar"]
            parser.add_argument(name, nargs="?", type=kind, metavar=shown, help=describe(field))
        else:
            flag = f"--{name.replace('_', '-')}"
            parser.add_argument(flag, default=argparse.SUPPRESS, help=describe(field), **form)
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="TOML file with any of these settings; flags win over it",
    )


def read_settings(arguments: argparse.Namespace, config: type[Config]) -> Config:
    """Build the config from flags and, where one is named, a TOML file.

    Raises
    ------
    InvalidConfig
        If a setting is missing, unknown or outside of its range.
    """
    words = vars(arguments)
    given = {name: words[name] for name in config.model_fields if words.get(name) is not None}
    if "steps" in given and "minutes" in config.model_fields:
        # Minutes are in place of steps: those of a file are not to take back what a flag says.
        given.setdefault("minutes", 0)
    if arguments.config is not None:
        return config.from_toml(arguments.config, **given)
    return config.create(**given)


def form_of(kind: Any) -> dict[str, Any]:
    """Return what argparse must know to read a value of a type.

    What a config has words for is left to it as a word.
    """
    inner = get_args(kind)
    match get_origin(kind):
        case origin if origin is Annotated:
            words = any(isinstance(each, BeforeValidator) for each in inner)
            return form_of(inner[0]) | ({"type": str} if words else {})
        case origin if origin in (Union, UnionType):
            return form_of(next(part for part in inner if part is not NoneType))
        case origin if origin is Literal:
            return {"choices": inner, "type": str, "metavar": None}
        case origin if origin is tuple:
            return form_of(inner[0]) | several(inner)
    if kind is bool:
        return {"action": argparse.BooleanOptionalAction}
    return {"type": kind, "metavar": PLACEHOLDERS[kind]}


def several(parts: tuple[Any, ...]) -> dict[str, Any]:
    """Return how many values a tuple takes; three are along z, y and x, two a range.

    A flag that takes any number can be given again, and adds to them.
    """
    if parts[-1] is Ellipsis:
        return {"nargs": "+", "action": "extend"}
    names = ("Z", "Y", "X") if len(parts) == 3 else ("LOW", "HIGH")
    return {"nargs": len(parts), "metavar": names}


def describe(field: FieldInfo) -> str:
    """Return a setting's help: its description, its unit, its default."""
    text = field.description or ""
    if field.is_required():
        text += " (required)"
    elif field.default not in (None, "", ()):
        text += f" (default: {written(field.default)})"
    return text.replace("%", "%%")


def written(value: Any) -> str:
    """Return a value as it would be typed."""
    match value:
        case bool():
            return "yes" if value else "no"
        case tuple():
            return " ".join(map(written, value))
    return str(value)
