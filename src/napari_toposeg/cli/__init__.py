"""The command line: every action of the plugin as a command.

Exit codes: 0 done; 2 the input or the flags are wrong; 130 stopped by Ctrl-C; 1 our own fault.
"""

import argparse
import contextlib
import logging
import os
import sys
from collections.abc import Iterator, Sequence

from napari_toposeg.cli.answers import Answer
from napari_toposeg.cli.commands import build_parser
from napari_toposeg.errors import ToposegError

__all__ = ["build_parser", "main"]


def main(words: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code.

    Parameters
    ----------
    words
        The command line without the program's name; by default that of this process.
    """
    arguments = build_parser().parse_args(words)
    try:
        with log_shown():
            return run(arguments)
    except ToposegError as error:
        print(f"napari-toposeg {arguments.command}: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        where = "" if error.filename is None else f"{error.filename}: "
        reason = f"{where}{error.strerror or error}; check the path and the rights to it"
        print(f"napari-toposeg {arguments.command}: {reason}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"napari-toposeg {arguments.command}: stopped", file=sys.stderr)
        return 130


def run(arguments: argparse.Namespace) -> int:
    """Run a parsed command and print its answer; with --json nothing else reaches stdout."""
    machine = arguments.json is True
    # The report's libraries would double the time of --help.
    from napari_toposeg.reports import plain

    with contextlib.redirect_stdout(sys.stderr) if machine else contextlib.nullcontext():
        answer: Answer = arguments.run(arguments)
    with quiet_when_nobody_reads():
        print(
            plain(answer.data) if machine else answer.text, end="" if machine else "\n", flush=True
        )
    return answer.exit_code


@contextlib.contextmanager
def log_shown() -> Iterator[None]:
    """Write what the package logs, such as that it compiles, to stderr."""
    logger = logging.getLogger("napari_toposeg")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("napari-toposeg: %(message)s"))
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


@contextlib.contextmanager
def quiet_when_nobody_reads() -> Iterator[None]:
    """Pass over a reader of stdout that has gone (``napari-toposeg models list | head -1``)."""
    try:
        yield
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
