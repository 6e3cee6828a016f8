"""Whether a window can be opened here, found out before Qt, which would end the process, is asked.

The one idea: another process tries, so that a missing library costs that process only.
"""

import os
import subprocess
import sys

PROBE = """
from qtpy.QtWidgets import QApplication
from qtpy.QtGui import QOpenGLContext
application = QApplication([])
raise SystemExit(0 if QOpenGLContext().create() else "OpenGL is missing")
"""
PATIENCE = 60.0
LIBRARIES = (
    "libegl1 libdbus-1-3 libfontconfig1 libglib2.0-0 libxkbcommon-x11-0 libxcb-cursor0 "
    "libxcb-icccm4 libxcb-keysyms1 libxcb-shape0"
)
"""What Qt and OpenGL need on a bare Debian or Ubuntu."""


def missing_screen() -> str | None:
    """Return why no window can be opened, or None if one can."""
    if sys.platform.startswith("linux") and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):
        return "there is no display (neither DISPLAY nor WAYLAND_DISPLAY is set)"
    try:
        answer = subprocess.run(
            [sys.executable, "-c", PROBE],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"the display did not answer within {PATIENCE:.0f} s"
    if answer.returncode == 0:
        return None
    return explain(answer.stderr)


def explain(complaint: str) -> str:
    """Return what a failed probe says, with what to do where that is known."""
    last = (complaint.strip().splitlines() or ["Qt ended without a word"])[-1]
    if "No module named" in complaint or "QtBindingsNotFound" in complaint:
        return "there is no Qt; install it with: pip install 'napari-toposeg[all]'"
    if "could not connect to display" in complaint:
        return "the display does not answer; look at DISPLAY"
    if sys.platform.startswith("linux"):
        return f"{last} (if libraries are missing: apt-get install {LIBRARIES})"
    return last
