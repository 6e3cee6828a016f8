"""What the settings of all runs share: frozen, checked, read from and written to TOML."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import tomli_w
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from napari_toposeg.config.files import write_atomically
from napari_toposeg.errors import InvalidConfig

Size3 = tuple[int, int, int]
Millimetres = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Spacing3 = tuple[Millimetres, Millimetres, Millimetres]


def require_order(window: tuple[float, float]) -> tuple[float, float]:
    """Refuse a window that is empty or upside down."""
    if window[0] >= window[1]:
        raise ValueError("the first number must be below the second")
    return window


Window = Annotated[tuple[float, float], AfterValidator(require_order)]
"""Intensities that become 0 and 1."""


def as_words(given: Any) -> Any:
    """Take one word for a list of one, and numbers for words."""
    if isinstance(given, str | int | float):
        return (str(given),)
    return tuple(map(str, given)) if isinstance(given, Sequence) else given


Words = Annotated[tuple[str, ...], BeforeValidator(as_words)]
"""Words, which a file may give as one, or as numbers."""


def require_class_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse class names that are alike, or that no file can be named by."""
    if len(set(names)) < len(names):
        raise ValueError("two classes have one name; name each once")
    if unfit := [name for name in names if not name.strip() or set(name) & set("/\\")]:
        raise ValueError(
            f"{unfit[0]!r} cannot be part of a file's name; name the class without / and \\"
        )
    return names


ClassNames = Annotated[tuple[str, ...], AfterValidator(require_class_names)]
"""Names of the labels 1, 2, ... in order."""

PositiveInt = Annotated[int, Field(gt=0)]
Flips = Literal["", "x", "y", "z", "yx", "zx", "zy", "zyx"]
"""Axes along which crops are mirrored at random."""
Fraction = Annotated[float, Field(gt=0, lt=1)]
Share = Annotated[float, Field(ge=0)]


def described(fault: Mapping[str, Any]) -> str:
    """Return in words what is wrong with a setting, or with several together."""
    message = fault["msg"].removeprefix("Value error, ")
    match fault:
        case {"type": "missing"}:
            words = "is missing"
        case {"loc": ()}:
            words = message
        case _:
            words = f"{message} (got {fault['input']!r})"
    return ": ".join([*map(str, fault["loc"][:1]), words])


class RunConfig(BaseModel):
    """What all runs share; unknown settings are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def create(cls, **settings: Any) -> Self:
        """Build the config, or raise InvalidConfig naming every setting that is wrong."""
        try:
            return cls(**settings)
        except ValidationError as error:
            faults = "; ".join(described(fault) for fault in error.errors())
            raise InvalidConfig(f"{faults}; see --help for what each setting can be") from error

    @classmethod
    def from_toml(cls, path: Path, **overrides: Any) -> Self:
        """Read a config; keyword arguments win over the file."""
        try:
            settings = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise InvalidConfig(
                f"{path} is not a readable TOML file ({error}); check the path and the syntax"
            ) from error
        return cls.create(**(settings | overrides))

    def to_toml(self, path: Path) -> None:
        """Write every setting that is not None."""
        settings = self.model_dump(mode="json", exclude_none=True)
        write_atomically(path, tomli_w.dumps(settings).encode())
