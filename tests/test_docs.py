"""The docs are true: generated parts are up to date, and every command that they show exists.

With ``NAPARI_TOPOSEG_UPDATE_DOCS=1`` the generated parts are written anew instead of compared.
"""

import argparse
import ast
import configparser
import os
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from napari_toposeg.cli import build_parser

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "napari_toposeg"
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
FENCE = re.compile(r"^```bash\n(.*?)^```", re.MULTILINE | re.DOTALL)


def subparsers(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """Return the parsers of a parser's commands."""
    actions = (a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    return next((dict(action.choices) for action in actions), {})


def flag_rows(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Yield a table's rows for the flags of a command."""
    for action in parser._actions:
        if isinstance(action, argparse._HelpAction | argparse._SubParsersAction):
            continue
        names = " ".join(action.option_strings) or str(action.metavar or action.dest)
        words = (action.help or "").replace("%%", "%").replace("|", "\\|")
        yield f"| `{' '.join([names, *values(action)])}` | {words} |"


def values(action: argparse.Action) -> Iterator[str]:
    """Yield what stands after a flag."""
    if not action.option_strings or action.nargs == 0:
        return
    shown = action.metavar or "{" + ",".join(map(str, action.choices or ())) + "}"
    match action.nargs:
        case "+":
            yield f"{shown}..."
        case "?":
            yield f"[{shown}]"
        case _:
            yield " ".join(shown) if isinstance(shown, tuple) else shown


def command_reference() -> str:
    """Return the reference of all commands as Markdown."""
    parts = []
    for name, parser in subparsers(build_parser()).items():
        parts.append(f"## {name}\n\n{parser.description or ''}".rstrip())
        inner = subparsers(parser)
        for action, action_parser in (inner or {"": parser}).items():
            heading = [f"### {name} {action}\n\n{action_parser.description}"] if action else []
            table = "\n".join(["| | |", "|---|---|", *flag_rows(action_parser)])
            parts += [*heading, table]
    return "\n\n".join(parts).replace("\n\n\n", "\n\n")


def house() -> str:
    """Return the tree of the package, each module with what its header says it is."""
    lines = ["```text", "src/napari_toposeg/"]
    for path in sorted(PACKAGE.rglob("*.py"), key=place):
        parts = path.relative_to(PACKAGE).parts
        indent = "  " * len(parts)
        if path.name == "__init__.py" and len(parts) > 1:
            indent, name = "  " * (len(parts) - 1), f"{parts[-2]}/"
        else:
            name = path.name
        lines.append(f"{indent}{name:{34 - len(indent)}}{first_line(path)}".rstrip())
    return "\n".join([*lines, "```"])


def place(path: Path) -> tuple[object, ...]:
    """Sort files before folders, and a folder's header before what is in it."""
    *folders, name = path.relative_to(PACKAGE).parts
    header = name == "__init__.py"
    return (*((1, folder) for folder in folders), (0, "" if header else name))


def first_line(path: Path) -> str:
    """Return the first line of a module's header."""
    return (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").split("\n")[0]


@pytest.mark.parametrize(
    ("page", "generate"), [("commands", command_reference), ("architecture", house)]
)
def test_generated_parts_are_up_to_date(page: str, generate: Callable[[], str]) -> None:
    path, expected = ROOT / "docs" / f"{page}.md", generate()
    begin, end = "<!-- generated, see tests/test_docs.py -->", "<!-- end -->"
    head, rest = path.read_text(encoding="utf-8").split(begin)
    held, tail = rest.split(end)
    if os.environ.get("NAPARI_TOPOSEG_UPDATE_DOCS") == "1":
        path.write_text(f"{head}{begin}\n\n{expected}\n\n{end}{tail}", encoding="utf-8")
        return
    assert held.strip() == expected, (
        "write it anew: NAPARI_TOPOSEG_UPDATE_DOCS=1 pytest tests/test_docs.py"
    )


def shown_commands() -> Iterator[tuple[str, str]]:
    """Yield each shell line of the docs with the page that shows it."""
    for page in PAGES:
        for fence in FENCE.findall(page.read_text(encoding="utf-8")):
            yield from ((page.name, line) for line in fence.splitlines() if line)


@pytest.mark.parametrize(
    ("page", "line"), [pair for pair in shown_commands() if pair[1].startswith("napari-toposeg")]
)
def test_every_command_shown_is_understood(page: str, line: str) -> None:
    build_parser().parse_args(shlex.split(line, comments=True)[1:])


def test_the_readme_shows_both_commands_as_one_line_each() -> None:
    lines = [line for page, line in shown_commands() if page == "README.md"]
    assert any(line.endswith("tox -e demo") and "venv" in line for line in lines)
    assert any(line.endswith("tox") and "venv" in line for line in lines)


def test_environments_that_the_docs_name_exist() -> None:
    tox = configparser.ConfigParser(interpolation=None)
    tox.read(ROOT / "tox.ini")
    named = {
        name for page in PAGES for name in re.findall(r"tox -e (\w+)", page.read_text("utf-8"))
    }
    assert "demo" in named
    assert {f"testenv:{name}" for name in named} <= set(tox.sections())


def test_plain_tox_runs_all_that_the_readme_calls_the_tests() -> None:
    tox = configparser.ConfigParser(interpolation=None)
    tox.read(ROOT / "tox.ini")
    every = re.split(r"[,\s]+", tox["tox"]["env_list"].strip())
    assert set(every) == {"tests", "lint", "types", "layers", "docs"}


def test_every_module_says_what_it_is() -> None:
    silent = [path.name for path in PACKAGE.rglob("*.py") if not first_line(path)]
    assert silent == []
