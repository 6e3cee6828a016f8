"""What an import costs: a fresh interpreter has torch and Qt only where they live."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(find_spec("napari_toposeg").origin).parent
HEAVY = ("torch", "monai", "lightning_fabric")
WINDOWS = ("qtpy", "PyQt6", "PySide6", "napari", "magicgui", "pyqtgraph")


def floor_of(name: str) -> str:
    """Return the part of the package that a module belongs to."""
    return [*name.split("."), ""][1]


def modules(*floors: str, below: bool = True) -> list[str]:
    """Return the names of the package's modules in some of its floors, or outside of them."""
    paths = (path.relative_to(ROOT.parent).with_suffix("") for path in ROOT.rglob("*.py"))
    names = {".".join(path.parts).removesuffix(".__init__") for path in paths}
    return sorted(name for name in names if (floor_of(name) in floors) == below)


def loaded_after(imports: list[str], watched: tuple[str, ...]) -> list[str]:
    """Import modules in a fresh interpreter and return which of the watched ones came with them."""
    code = f"import sys\nfor name in {imports!r}: __import__(name)\n"
    code += f"print(*[name for name in {watched!r} if name in sys.modules])"
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr
    return answer.stdout.split()


def test_the_package_itself_imports_neither() -> None:
    assert loaded_after(["napari_toposeg"], (*HEAVY, *WINDOWS, "numpy", "matplotlib")) == []


def test_the_command_line_starts_light() -> None:
    watched = (*HEAVY, *WINDOWS, "matplotlib", "scipy", "gudhi", "SimpleITK")
    assert loaded_after(["napari_toposeg.cli"], watched) == []


def test_outside_of_learning_and_plugin_there_is_neither_torch_nor_qt() -> None:
    names = modules("learning", "plugin", below=False)
    assert "napari_toposeg.demo.headless" in names and "napari_toposeg.topology" in names
    assert loaded_after(names, (*HEAVY, *WINDOWS)) == []


def test_learning_knows_no_window() -> None:
    assert loaded_after(modules("learning"), WINDOWS) == []


def test_the_whole_plugin_imports_without_torch() -> None:
    if find_spec("qtpy") is None:
        pytest.skip("no Qt here: it comes with the extra 'all'")
    assert loaded_after([*modules("plugin"), "napari_toposeg.cli"], HEAVY) == []


def test_listing_models_needs_no_torch() -> None:
    assert loaded_after(["napari_toposeg.learning.cards"], HEAVY) == []
