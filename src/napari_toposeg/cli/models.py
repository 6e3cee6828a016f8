"""The models command: what there is, what it is for, and moving models in and out of the store."""

import argparse
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from napari_toposeg.cli.answers import STOPPED, Answer, aligned
from napari_toposeg.cli.flags import Commands
from napari_toposeg.cli.watch import watch

if TYPE_CHECKING:
    from napari_toposeg.learning.cards import Card

LAYOUTS = ("monai-vit", "monai-swin", "nnssl", "selfmedmae")
"""Those of `learning.importing`, which would bring torch along with the flags."""


def add_models(commands: Commands) -> None:
    """Add ``models`` and its five actions."""
    parser = commands.add_parser("models", help="list, show, import, export and remove models")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, run, text in (
        ("list", list_models, "models that ship with the program, and your own"),
        ("info", info, "what a model is for, what made it, and how good it is"),
        ("import", import_model, "put a model into your store, so that it can be picked by name"),
        ("export", export_model, "write a copy of a model to a path"),
        ("remove", remove, "delete a model of your store"),
    ):
        action = actions.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        action.add_argument("--json", action="store_true", help="print the result as JSON only")
        action.set_defaults(run=run)
        add_operands(action, name)


def add_operands(action: argparse.ArgumentParser, name: str) -> None:
    """Add what an action works on."""
    if name == "import":
        action.add_argument(
            "source",
            metavar="PATH_OR_URL",
            help="a model file, a run's folder or published weights (.pt, .pth, .safetensors), or "
            "the address of a file: https://... or hf://OWNER/REPOSITORY/FILE",
        )
        action.add_argument("--name", help="its name in the store; default: the file's or folder's")
        action.add_argument(
            "--layout",
            choices=("auto", *LAYOUTS),
            default="auto",
            help="whose published weights they are; auto: recognised by their names (default: "
            "auto)",
        )
        action.add_argument("--sha256", help="checksum that a fetched file must have")
    elif name != "list":
        action.add_argument("name", metavar="NAME", help="a name of 'models list'")
    if name == "export":
        action.add_argument(
            "path", metavar="PATH", type=Path, help="a new file, or a folder that exists"
        )


def list_models(_: argparse.Namespace) -> Answer:
    """Answer with one line for each model."""
    from napari_toposeg.learning import cards

    known = cards.list_models()
    rows = [("NAME", "TASK", "SCANS", "CLASSES", "SPACING (mm)", "FROM")]
    rows += [
        (
            card.name,
            card.task,
            card.modality,
            ", ".join(card.classes),
            " x ".join(f"{step:g}" for step in card.spacing),
            "the program" if cards.is_shipped(card.name) else "your store",
        )
        for card in known
    ]
    return Answer(aligned(rows), [described(card) for card in known])


def info(arguments: argparse.Namespace) -> Answer:
    """Answer with a model's card."""
    from napari_toposeg.learning.cards import load_card

    data = described(load_card(arguments.name))
    rows = [(name.replace("_", " "), line(value)) for name, value in data.items()]
    return Answer(aligned([row for row in rows if row[1]]), data)


def import_model(arguments: argparse.Namespace) -> Answer:
    """Put a model into the store, fetched first where an address is given."""
    from napari_toposeg.learning.fetching import fetch, is_address

    if not is_address(arguments.source):
        return put_into_store(Path(arguments.source), arguments)
    with tempfile.TemporaryDirectory() as folder:
        outcome = watch(fetch(arguments.source, Path(folder), sha256=arguments.sha256))
        if outcome.result is None:
            return Answer("stopped; nothing was imported", {"stopped": True}, STOPPED)
        return put_into_store(outcome.result, arguments)


def put_into_store(path: Path, arguments: argparse.Namespace) -> Answer:
    """Copy a model of this program, or convert published weights."""
    from napari_toposeg.learning import cards, model_store

    if arguments.layout == "auto" and cards.has_card(path):
        name = arguments.name or (path.stem if path.is_file() else path.resolve().name)
        card = model_store.import_model(path, name)
        return Answer(imported(card), described(card))
    from napari_toposeg.learning.importing import import_weights

    layout = None if arguments.layout == "auto" else arguments.layout
    card, report = import_weights(path, arguments.name, layout=layout)
    lines = [imported(card), report.summary(), *(f"  left: {name}" for name in report.left)]
    return Answer("\n".join(lines), {**described(card), "report": asdict(report)})


def imported(card: "Card") -> str:
    """Say what was imported, and where to read on."""
    return f"imported: {card.name} ({card.task}); see 'napari-toposeg models info {card.name}'"


def export_model(arguments: argparse.Namespace) -> Answer:
    """Write a copy of a model."""
    from napari_toposeg.learning import model_store

    path = model_store.export_model(arguments.name, arguments.path)
    return Answer(f"written: {path}", {"name": arguments.name, "path": path})


def remove(arguments: argparse.Namespace) -> Answer:
    """Delete a model of the store."""
    from napari_toposeg.learning import model_store

    model_store.remove_model(arguments.name)
    return Answer(f"removed: {arguments.name}", {"name": arguments.name})


def described(card: "Card") -> dict[str, object]:
    """Return a card as plain data."""
    return card.model_dump(mode="json")


def line(value: object) -> str:
    """Return an entry of a card on one line."""
    match value:
        case dict():
            # What was left open says nothing.
            known = {name: part for name, part in value.items() if part not in (None, "", [], {})}
            return ", ".join(f"{name} {line(part)}" for name, part in known.items())
        case list() | tuple():
            return ", ".join(map(line, value))
        case None:
            return ""
        case float():
            return f"{value:.4g}"
    return str(value)
