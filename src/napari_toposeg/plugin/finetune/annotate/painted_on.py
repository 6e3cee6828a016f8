"""PaintedOn: of which scan each annotation is, whatever image is chosen to look at.

The one idea: an annotation is of the image that was chosen when it was made, or when it was painted
first; images of one grid (T1 and T2, say) may take turns in view.
"""

from collections.abc import Iterable
from typing import Any


class PaintedOn:
    """Image layers, by the annotations that were painted on them."""

    def __init__(self) -> None:
        # napari's layers are wrapped anew at each look, and are known by being equal.
        self._pairs: list[tuple[Any, Any]] = []

    def of(self, annotation: Any) -> Any:
        """Return the image of an annotation, None where it is not known."""
        return next((image for layer, image in self._pairs if layer == annotation), None)

    def note(self, annotation: Any, image: Any) -> None:
        """Remember the image of an annotation, if none is known."""
        if self.of(annotation) is None:
            self._pairs.append((annotation, image))

    def forget_others(self, layers: Iterable[Any]) -> None:
        """Forget the annotations that are none of these layers."""
        there = list(layers)
        self._pairs = [pair for pair in self._pairs if pair[0] in there]
