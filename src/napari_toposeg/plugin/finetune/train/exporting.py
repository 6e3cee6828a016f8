"""Export of a model: its file, and beside it its card, for a person to read; no Qt here."""

from pathlib import Path

from napari_toposeg.config import write_atomically

SUFFIX = ".safetensors"


def export_with_card(name: str, path: str | Path) -> Path:
    """Write a copy of a model, and its card as JSON beside it.

    Parameters
    ----------
    path
        A new file, or a folder that exists; the ending of a model is added where it lacks.

    Returns
    -------
    Path
        The model's file; the card's has the same name and ends in ``.json``.

    Raises
    ------
    InvalidCheckpoint
        If there is no such model.
    """
    from napari_toposeg.learning.cards import load_card
    from napari_toposeg.learning.model_store import export_model

    target = Path(path)
    if not target.is_dir() and target.suffix != SUFFIX:
        target = target.with_name(target.name + SUFFIX)
    card = load_card(name)
    written = export_model(name, target)
    write_atomically(written.with_suffix(".json"), card.model_dump_json(indent=2).encode())
    return written
