"""Take the pictures of docs/images: the real window on real scans, in both themes.

    python docs/screenshots [--only NAME ...] [--themes light dark]

Needs a display (or Xvfb: ``xvfb-run -s "-screen 0 1280x800x24" python docs/screenshots``) and the
folder of the real volumes in ``NAPARI_TOPOSEG_DATA``. It drives the buttons that a person would
press, and waits for what they start. Nothing of the person's own settings and models is touched.
"""

import argparse
import os
import tempfile
from pathlib import Path

# Before the package is imported: a person's own choices and models are not to be in the pictures.
HOME = tempfile.mkdtemp(prefix="toposeg-pictures-")
for name in ("MODELS", "ANNOTATIONS", "CHOICES", "SESSIONS"):
    os.environ[f"NAPARI_TOPOSEG_{name}"] = str(Path(HOME) / name.lower())
os.environ["NAPARI_CONFIG"] = ""

import stories  # noqa: E402
import tabs  # noqa: E402
from photographer import THEMES, Photographer  # noqa: E402


def main() -> None:
    """Open the window and take what is wanted."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    everything = (*tabs.PICTURES, *stories.PICTURES)
    parser.add_argument("--only", nargs="+", choices=everything, default=everything)
    parser.add_argument("--themes", nargs="+", choices=THEMES, default=THEMES)
    parser.add_argument("--output", type=Path, default=Path(__file__).parents[1] / "images")
    asked = parser.parse_args()
    data = Path(os.environ["NAPARI_TOPOSEG_DATA"])
    photographer = Photographer(asked.output, asked.only, asked.themes)
    tabs.take_all(photographer, data / "lung_nodule" / "LIDC-IDRI-0001_slab.nii.gz")
    stories.take_all(photographer, data / "chest_ct")
    photographer.close()


if __name__ == "__main__":
    main()
