"""The store of the user's own models, without torch: what comes in, goes out and is removed.

A file comes whole or not at all, and none takes the name of a model that ships with the package.
"""

from pathlib import Path

from napari_toposeg.config import write_atomically
from napari_toposeg.errors import InvalidCheckpoint
from napari_toposeg.learning.cards import (
    SUFFIX,
    Card,
    is_shipped,
    load_card,
    models_folder,
    resolve_model,
)


def require_name(name: str) -> str:
    """Return the name if it can be a user's model; raise InvalidCheckpoint otherwise."""
    if not name or Path(name).name != name or name.startswith(".") or Path(name).suffix == SUFFIX:
        raise InvalidCheckpoint(f"{name!r} cannot name a model; use letters, digits, '-' and '_'")
    if is_shipped(name):
        raise InvalidCheckpoint(
            f"{name!r} is the name of a model that ships with the program; choose another"
        )
    return name


def register_model(checkpoint: str | Path, name: str) -> Card:
    """Put a copy of a checkpoint into the user's store, where it can be picked by its name."""
    target = models_folder() / f"{require_name(name)}{SUFFIX}"
    copy_atomically(resolve_model(checkpoint), target)
    return load_card(target).model_copy(update={"name": name})


def move_model(checkpoint: Path, name: str) -> Card:
    """Put a checkpoint itself into the user's store; on the same disk nothing is copied.

    A damaged one stays where it is.
    """
    card = load_card(checkpoint)
    target = models_folder() / f"{require_name(name)}{SUFFIX}"
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        checkpoint.replace(target)
    except OSError:
        # The store is on another disk, or the file is open, which Windows does not move.
        copy_atomically(checkpoint, target)
    return card.model_copy(update={"name": name})


def import_model(path: str | Path, name: str | None = None) -> Card:
    """Put a model file into the store, under its own file name unless another is given.

    Raises
    ------
    InvalidCheckpoint
        If the store holds a model of this name already.
    """
    name = name or Path(path).stem
    new_model_path(name)
    return register_model(path, name)


def new_model_path(name: str) -> Path:
    """Return where a model of this name will be in the store.

    Raises
    ------
    InvalidCheckpoint
        If the store holds one already.
    """
    path = models_folder() / f"{require_name(name)}{SUFFIX}"
    if path.exists():
        raise InvalidCheckpoint(
            f"there is a model {name!r} already; choose another name, or remove it first"
        )
    return path


def export_model(name: str, path: str | Path) -> Path:
    """Write a copy of a model to a path."""
    target = Path(path)
    target = target / f"{name}{SUFFIX}" if target.is_dir() else target
    copy_atomically(resolve_model(name), target)
    return target


def remove_model(name: str) -> None:
    """Delete a model of the user's store; those that ship with the package stay."""
    path = models_folder() / f"{require_name(name)}{SUFFIX}"
    if not path.is_file():
        raise InvalidCheckpoint(
            f"there is no model {name!r} in {models_folder()}; see 'models list'"
        )
    path.unlink()


def copy_atomically(source: Path, target: Path) -> None:
    """Copy a file whole or not at all."""
    try:
        content = source.read_bytes()
    except OSError as error:
        raise InvalidCheckpoint(f"{source} cannot be read ({error})") from error
    write_atomically(target, content)
