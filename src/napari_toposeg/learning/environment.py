"""Environment: what a run was made with, so that its numbers can be told apart and repeated.

It names no person, host or folder: of the command line only the flags are kept, since their values
may name patients.
"""

import json
import platform
import subprocess
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from napari_toposeg import __version__
from napari_toposeg.topology.processors import processors

LIBRARIES = ("torch", "monai", "lightning-fabric", "numpy", "numba", "scipy")
PACKAGE = "napari-toposeg"
GIT_SECONDS = 5.0


def environment() -> dict[str, Any]:
    """Return package, libraries, revision, machine and flags, as JSON knows them."""
    return {
        "package": __version__,
        "revision": revision(),
        "python": platform.python_version(),
        "libraries": {name: installed(name) for name in LIBRARIES},
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cpu": cpu_model(),
        "cores": processors(),
        "gpus": gpus(),
        "cuda": torch.version.cuda,
        "flags": flags_of(sys.argv),
    }


def installed(library: str) -> str | None:
    """Return a library's version; None where it is not installed."""
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return None


def revision() -> dict[str, Any] | None:
    """Return the commit of the code, from its checkout or from how it was installed, if known."""
    return checked_out(Path(__file__).parent) or installed_from()


def checked_out(folder: Path) -> dict[str, Any] | None:
    """Return the commit of the checkout that tracks a folder's code, and whether it was changed."""
    commit = git(folder, "rev-parse", "HEAD")
    # Installed into an environment inside some other checkout, the code is not that one's.
    if commit is None or not git(folder, "ls-files", "--", Path(__file__).name):
        return None
    changed = git(folder, "status", "--porcelain", "--untracked-files=no", "--", ".")
    return {"commit": commit, "changed": bool(changed)}


def installed_from() -> dict[str, Any] | None:
    """Return the commit that pip installed the package from, as PEP 610 has it noted."""
    try:
        noted = metadata.distribution(PACKAGE).read_text("direct_url.json")
    except metadata.PackageNotFoundError:
        return None
    commit = json.loads(noted).get("vcs_info", {}).get("commit_id") if noted else None
    return {"commit": commit, "changed": False} if commit else None


def git(folder: Path, *words: str) -> str | None:
    """Return what git says of a folder; None without git or without a checkout."""
    try:
        done = subprocess.run(
            ["git", *words],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=GIT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def cpu_model() -> str:
    """Return the processor's name; what Python knows of it where the system does not tell."""
    table = Path("/proc/cpuinfo")
    if table.is_file():
        for line in table.read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def gpus() -> list[str]:
    """Return the names of the GPUs."""
    return [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]


def flags_of(words: Sequence[str]) -> list[str]:
    """Return the names of a command line's flags, without their values."""
    return [word.partition("=")[0] for word in words if word.startswith("--")]
