"""Opening: a path to what a viewer shows of it, as a run for the background.

The one idea: the run asks nobody. Where a path holds several volumes it ends with a `Question`,
each answer to which is the next run's `Wanted`; the Case tab and napari's reader ask in their way.
"""

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from napari_toposeg.errors import ChoiceNeeded
from napari_toposeg.io import list_cases, read_volume
from napari_toposeg.io.formats import ITK, ending_of
from napari_toposeg.io.frames import frame_choices
from napari_toposeg.plugin.canvas.layers import LayerData, kind_of, volume_to_layer_data
from napari_toposeg.plugin.canvas.sources import checksum_of, source_metadata
from napari_toposeg.plugin.translation import tr
from napari_toposeg.plugin.waiting import follow, wait_for
from napari_toposeg.progress import Report, Run, to_nobody

ITK_BYTES_PER_SECOND = 1e8
"""ITK does not say how far it is: about what it unpacks on one core."""


@dataclass(frozen=True)
class Wanted:
    """What is to be opened.

    Parameters
    ----------
    path
        A file or a folder.
    settled
        The path is one volume, or one series of slices: folders are not searched for others.
    series, frame
        As in `napari_toposeg.read_volume`.
    """

    path: Path
    settled: bool = False
    series: str | None = None
    frame: int | None = None


@dataclass(frozen=True)
class Question:
    """Which of several: what they are called, and what to open for each answer.

    ``needed`` is the error for where nobody can be asked.
    """

    name: str
    choices: tuple[str, ...]
    answers: tuple[Wanted, ...]
    needed: ChoiceNeeded


Found = LayerData | Question


def open_run(wanted: Wanted) -> Run[Found]:
    """Read a volume in a thread of its own, and make of it what a layer needs.

    Raises
    ------
    ToposegError
        As `napari_toposeg.read_volume` and `napari_toposeg.io.list_cases`.
    """
    message = tr("Reading {name}").format(name=wanted.path.name)
    if ending_of(wanted.path) in ITK and wanted.path.is_file():
        seconds = wanted.path.stat().st_size / ITK_BYTES_PER_SECOND
        return (yield from wait_for(partial(find, wanted), message, seconds=seconds))
    return (yield from follow(partial(find, wanted), message))


def find(wanted: Wanted, report: Report = to_nobody) -> Found:
    """Return the data of a layer, or the question which volume is meant."""
    if not wanted.settled:
        cases = list_cases(wanted.path)
        if len(cases) > 1:
            return ask_case(wanted, cases)
        wanted = replace(wanted, path=next(iter(cases.values())), settled=True)
    try:
        volume = read_volume(wanted.path, frame=wanted.frame, series=wanted.series, report=report)
    except ChoiceNeeded as needed:
        return ask_which(wanted, needed)
    voxels, attributes, kind = volume_to_layer_data(volume, kind_of(volume))
    source = source_metadata(
        wanted.path, series=wanted.series, frame=wanted.frame, checksum=checksum_of(voxels)
    )
    return voxels, attributes | {"metadata": attributes["metadata"] | source}, kind


def ask_case(wanted: Wanted, cases: dict[str, Path]) -> Question:
    """Return the question which volume of a folder is meant."""
    names = tuple(cases)
    needed = ChoiceNeeded(
        f"{wanted.path} holds {len(names)} volumes ({names[0]}, ...) and none was named; "
        "give one of the files or folders in it",
        names,
    )
    answers = tuple(replace(wanted, path=path, settled=True) for path in cases.values())
    return Question(wanted.path.name, names, answers, needed)


def ask_which(wanted: Wanted, needed: ChoiceNeeded) -> Question:
    """Return the question which series, or which frame, is meant.

    Raises
    ------
    ChoiceNeeded
        If it was answered before: it must not be asked again and again.
    """
    choices = needed.choices
    if choices == frame_choices(len(choices)):
        settled = wanted.frame is not None
        answers = tuple(replace(wanted, frame=number) for number in range(len(choices)))
    else:
        settled = wanted.series is not None
        answers = tuple(replace(wanted, series=choice) for choice in choices)
    if settled:
        raise needed
    return Question(wanted.path.name, choices, answers, needed)
