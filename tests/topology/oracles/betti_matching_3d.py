"""Betti-Matching-3D (Stucki et al., arXiv:2407.04683), as topolosses ships it.

Its compiled module is loaded by itself: importing the package would bring torch, OpenCV and
torchvision along, for losses that are not compared here.
"""

import importlib.metadata
import importlib.util
from types import ModuleType

import pytest

INSTALL = "pip install --no-deps topolosses"


def load() -> ModuleType:
    """Return the compiled module, or skip the test, saying how to install it."""
    try:
        files = importlib.metadata.files("topolosses") or []
    except importlib.metadata.PackageNotFoundError:
        pytest.skip(f"needs Betti-Matching-3D: {INSTALL}")
    (binary,) = [
        file.locate()
        for file in files
        if file.name.startswith("betti_matching.") and file.suffix in {".so", ".pyd"}
    ]
    spec = importlib.util.spec_from_file_location("betti_matching", binary)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
