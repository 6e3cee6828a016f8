"""ResultView: the numbers of a reconstruction: errors, Betti numbers, the fate of features."""

from collections.abc import Callable
from typing import Any

from qtpy.QtWidgets import QDoubleSpinBox, QVBoxLayout

from napari_toposeg.plugin.reconstruct.kept import FeatureFates, KeptTopology
from napari_toposeg.plugin.translation import mark, tr
from napari_toposeg.plugin.widgets.forms import (
    NumberTable,
    button,
    research_note,
    row,
    section,
    value,
)
from napari_toposeg.plugin.widgets.plotting import DIMENSIONS

PREDICTORS = (mark("network"), mark("visible mean"), mark("interpolation"))
NOTHING = "–"


class ResultView:
    """Adds its sections to a page.

    Parameters
    ----------
    layout
        The page.
    count_again, compare_diagrams
        What the two buttons do.
    """

    def __init__(
        self,
        layout: QVBoxLayout,
        *,
        count_again: Callable[[], object],
        compare_diagrams: Callable[[], object],
    ) -> None:
        self._build_errors(layout)
        self._build_topology(layout, count_again)
        self._build_features(layout, compare_diagrams)
        self.clear()

    def clear(self) -> None:
        """Show that there is no result."""
        self.errors.fill([(tr(name), NOTHING, NOTHING) for name in PREDICTORS])
        names = (tr("scan"), tr("reconstruction"))
        self.kept.fill([(name, *(NOTHING,) * 3) for name in names])
        self.features.fill([(name, *(NOTHING,) * 3) for name in fate_names()])

    def show_errors(self, reconstruction: Any) -> None:
        """Show the errors on hidden voxels."""
        self.errors.fill(error_rows(reconstruction))

    def show_kept(self, kept: KeptTopology) -> None:
        """Show Betti numbers, and the features where they were matched."""
        self.kept.fill(
            [
                (tr("scan"), *map(str, kept.scan)),
                (tr("reconstruction"), *map(str, kept.rebuilt)),
            ]
        )
        text = tr("Counted above {threshold:.4g}, both smoothed by one voxel")
        self.threshold_shown.setText(text.format(threshold=kept.threshold))
        if kept.features is not None:
            self.features.fill(fate_rows(kept.features))
            self.features_note.setText(fate_note(kept.features))

    def _build_errors(self, layout: QVBoxLayout) -> None:
        form = section(layout, tr("Error on hidden voxels"))
        self.errors = NumberTable(
            (tr("predictor"), tr("MSE"), tr("× model")),
            tr(
                "Mean squared error on the hidden voxels, in the model's normalised unit; the "
                "network should beat the mean of the visible voxels and their interpolation"
            ),
        )
        form.addRow(self.errors)
        form.addRow(research_note())

    def _build_topology(self, layout: QVBoxLayout, count_again: Callable[[], object]) -> None:
        form = section(layout, tr("Topology kept"))
        self.threshold = QDoubleSpinBox()
        self.threshold.setRange(-1e6, 1e6)
        self.threshold.setDecimals(2)
        row(
            form,
            tr("A&bove"),
            self.threshold,
            tr("Threshold in the unit of the scan; Otsu's to begin with"),
        )
        self.kept = NumberTable(
            (tr("26/6-connected"), "b0", "b1", "b2"),
            tr(
                "Components, loops and cavities of what lies above the threshold; foreground "
                "26-connected, background 6-connected"
            ),
        )
        form.addRow(self.kept)
        self.threshold_shown = value(tr("The threshold that the table was counted at"))
        form.addRow(self.threshold_shown)
        self.count_button = button(
            tr("Count again"),
            tr("Count at the threshold above, without another reconstruction"),
            count_again,
        )
        form.addRow(self.count_button)

    def _build_features(self, layout: QVBoxLayout, compare: Callable[[], object]) -> None:
        form = section(layout, tr("Features of the hidden part"))
        headings = (f"{style.glyph} b{k}" for k, style in enumerate(DIMENSIONS))
        self.features = NumberTable(
            (tr("bright first"), *headings),
            tr(
                "Features of the scan that are born or die in hidden voxels: kept, if the "
                "reconstruction has them in the same place (Betti matching), else lost; new ones "
                "only the reconstruction has"
            ),
        )
        form.addRow(self.features)
        self.features_note = value(tr("What was matched, and what was left out"))
        form.addRow(self.features_note)
        form.addRow(research_note())
        self.diagrams_button = button(
            tr("Compare their diagrams"),
            tr("See the features of scan and reconstruction side by side in the Topology tab"),
            compare,
        )
        form.addRow(self.diagrams_button)


def error_rows(reconstruction: Any) -> list[tuple[str, str, str]]:
    """Rows of the table of errors: predictor, mean squared error, its ratio to the network's."""
    network = reconstruction.mse
    errors = (network, reconstruction.mse_mean, reconstruction.mse_interpolation)
    return [
        (tr(name), f"{mse:.4f}", f"{mse / network:.2f}" if network else NOTHING)
        for name, mse in zip(PREDICTORS, errors, strict=True)
    ]


def fate_names() -> tuple[str, str, str]:
    """Return what became of features, each with a sign of its own."""
    return tr("= kept"), tr("− lost"), tr("+ new")


def fate_rows(fates: FeatureFates) -> list[tuple[str, ...]]:
    """Rows of the table of features: what became of them, by dimension."""
    counts = (fates.kept, fates.lost, fates.new)
    return [(name, *map(str, each)) for name, each in zip(fate_names(), counts, strict=True)]


def fate_note(fates: FeatureFates) -> str:
    """Say what was matched, for a person."""
    coarse = max(fates.step) > 1
    blocks = " × ".join(map(str, fates.step))
    copies = (
        tr("Matched on coarser copies: means of {blocks} voxels (z, y, x), smoothed by one of them")
        if coarse
        else tr("Matched on copies smoothed by one voxel")
    )
    share = fates.share
    kept = "" if share is None else tr(" {share:.0f} % kept.").format(share=100 * share)
    left = tr("; what lasts less than {faintest:.4g} is left out.").format(faintest=fates.faintest)
    return copies.format(blocks=blocks) + left + kept
