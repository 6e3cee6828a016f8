"""Frames: the volumes of a file that has a fourth axis (time, echo, b-value, channel).

The one idea: a frame is never guessed; a file with several asks for one by number, from 0.
"""

from pathlib import Path

from napari_toposeg.errors import ChoiceNeeded, InvalidVolume


def frame_choices(count: int) -> tuple[str, ...]:
    """Name the frames of a file, none where there is nothing to choose."""
    if count < 2:
        return ()
    return tuple(f"frame {frame} of {count}" for frame in range(count))


def choose_frame(path: Path, count: int, frame: int | None) -> int:
    """Return the number of the frame to read.

    Raises
    ------
    ChoiceNeeded
        If there are several and none was named.
    InvalidVolume
        If the one that was named is not there.
    """
    if frame is None:
        if count == 1:
            return 0
        raise ChoiceNeeded(
            f"{path} holds {count} frames and none was named; pass frame=0 to frame={count - 1}, "
            "or save the one that you need as a file of its own",
            frame_choices(count),
        )
    if not 0 <= frame < count:
        raise InvalidVolume(
            f"{path} has no frame {frame}; it holds {count}, numbered from 0 to {count - 1}"
        )
    return frame


def frame_notes(count: int, frame: int) -> tuple[str, ...]:
    """Say which frame a volume is, where there are several."""
    return (f"frame {frame} of {count}",) if count > 1 else ()
