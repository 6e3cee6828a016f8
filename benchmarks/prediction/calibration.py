"""A temperature fitted on some cases, and how far probabilities can be trusted on others."""

from collections.abc import Iterator

from benchmarks.prediction.hippocampus import SHIPPED, cases_of, few_labels
from napari_toposeg.learning.calibrate import ECE, SURPRISE, Sample, drawn, figures
from napari_toposeg.learning.calibration import fit_temperature
from napari_toposeg.learning.checkpoints import Model, load_model
from napari_toposeg.learning.sweep import Sweep, class_probabilities
from napari_toposeg.progress import finish

HEADER = (
    "model", "temperature", f"{ECE}, before", "after", f"{SURPRISE}, before", "after",
)  # fmt: skip
FEW = ((2, 0), (4, 0))


def lines(*, quick: bool) -> Iterator[tuple[str, ...]]:
    """Yield a row for each model: fitted on the validation cases, measured on the test cases."""
    models = {SHIPPED: load_model(SHIPPED, "cpu")}
    if not quick:
        models |= {f"{count} labels, seed {seed}": few_labels(count, seed) for count, seed in FEW}
    for name, model in models.items():
        fitted_on, tested_on = (
            samples(model, split, quick=quick) for split in ("validation", "test")
        )
        temperature = fit_temperature(
            [each.probabilities for each in fitted_on], [each.truth for each in fitted_on]
        )
        before, after = (figures(tested_on, each) for each in (1.0, temperature))
        cells = [f"{each[what]:.4f}" for what in (ECE, SURPRISE) for each in (before, after)]
        yield (name, f"{temperature:.3f}", *cells)


def samples(model: Model, split: str, *, quick: bool) -> list[Sample]:
    """Return voxels near the structures of a split's cases."""
    return [
        drawn(finish(class_probabilities(image, model, Sweep())), truth, number)
        for number, (_, image, truth) in enumerate(cases_of(split, quick=quick))
    ]
