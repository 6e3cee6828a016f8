"""A contest of models: the errors of each on the same hidden voxels, and the topology it kept.

The one idea: one table whose best row is marked by a sign; the sign, not a colour, tells. No Qt
here; torch is imported when the run starts.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_toposeg.learning.hiding import Pattern
from napari_toposeg.plugin.answering import answering
from napari_toposeg.plugin.canvas.lazy import load_run
from napari_toposeg.plugin.reconstruct.kept import FeatureFates, feature_fates_run
from napari_toposeg.plugin.translation import mark, tr
from napari_toposeg.progress import Step
from napari_toposeg.volume import Volume

if TYPE_CHECKING:
    from napari_toposeg.learning.compare import ModelComparison

BEST = "★"
COLUMNS = (mark("model"), mark("MSE"), mark("÷mean"), mark("÷int."), mark("kept"))


@dataclass(frozen=True, eq=False)
class Contest:
    """Models compared.

    Parameters
    ----------
    comparison
        Their reconstructions and errors.
    fates
        What became of the scan's features at the judged voxels, by each model.
    """

    comparison: "ModelComparison"
    fates: tuple[FeatureFates, ...]

    @property
    def best(self) -> int:
        """Index of the model with the smallest error."""
        errors = [each.mse for each in self.comparison.contestants]
        return errors.index(min(errors))


def contest_run(
    volume: Volume, models: Sequence[str], pattern: Pattern, device: str, threads: int
) -> Generator[Step, None, Contest]:
    """Rebuild with each model, judge, and match features."""
    volume = yield from load_run(volume)
    from napari_toposeg.learning.compare import compare_reconstructions
    from napari_toposeg.learning.devices import choose_threads

    def rebuild() -> "Generator[Step, None, ModelComparison]":
        choose_threads(threads)
        return (yield from compare_reconstructions(volume, models, pattern, device=device))

    comparison = yield from answering(rebuild())
    fates = []
    for each in comparison.contestants:
        message = tr("Matching features of {model}").format(model=each.name)
        made = each.reconstruction.composite
        fates.append((yield from feature_fates_run(volume, made, comparison.judged, message)))
    return Contest(comparison, tuple(fates))


def contest_rows(contest: Contest) -> list[tuple[str, ...]]:
    """Return the rows of the table: name, error, its share of the two simple predictors', kept.

    A value below 1 is better than the predictor. Of each column, the best has the sign.
    """
    found = contest.comparison
    errors = [each.mse for each in found.contestants]
    shares = [fates.share for fates in contest.fates]
    most = max((share for share in shares if share is not None), default=None)
    rows: list[tuple[str, ...]] = []
    for number, (each, share) in enumerate(zip(found.contestants, shares, strict=True)):
        kept = "–" if share is None else f"{100 * share:.0f} %"
        rows.append(
            (
                signed(each.name, number == contest.best),
                f"{errors[number]:.4f}",
                ratio(errors[number], found.mse_mean),
                ratio(errors[number], found.mse_interpolation),
                signed(kept, share is not None and share == most),
            )
        )
    rows.append((tr("visible mean"), f"{found.mse_mean:.4f}", "1.00", "–", "–"))
    rows.append((tr("interpolation"), f"{found.mse_interpolation:.4f}", "–", "1.00", "–"))
    return rows


def signed(text: str, best: bool) -> str:
    """Return a text, with the sign of the best before it."""
    return f"{BEST} {text}" if best else text


def ratio(error: float, reference: float) -> str:
    """Write an error as a share of another."""
    return f"{error / reference:.2f}" if reference else "–"


def contest_note(contest: Contest) -> str:
    """Say what was judged, for a person."""
    found = contest.comparison
    shares = [f"{100 * each.reconstruction.lattice.share:.0f} %" for each in found.contestants]
    text = tr(
        "Judged on the {judged:.0f} % of the voxels that were hidden from all; they hid {shares}. "
        "Each hides whole cubes of its own lattice. {sign} best."
    )
    return text.format(judged=100 * found.judged.mean(), shares=", ".join(shares), sign=BEST)
