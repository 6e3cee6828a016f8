"""Several topological terms in one training, each with its own weight and schedule.

All look at the same place of the same fields, so that they can be compared, and what is blurred is
blurred once for the targets. Each is weighed by itself: its gradient is a share of the main loss's.
"""

# B batch, K classes, N drawn fields at hand

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from torch import Tensor

from napari_toposeg.config import FinetuneConfig
from napari_toposeg.learning.losses.fields import in_threads, to_arrays
from napari_toposeg.learning.losses.joined import Answer, Share, join_all
from napari_toposeg.learning.term_places import Look, Place
from napari_toposeg.learning.topological_term import TopologicalTerm, topological_term

Looks = Mapping[str, Look]
"""What each term knows of the targets, by its name; the place is the same."""


@dataclass(frozen=True)
class MixedTerms:
    """One term or several, by name.

    Parameters
    ----------
    terms
        At least one; they differ in loss, weight and schedule alone.
    """

    terms: Mapping[str, TopologicalTerm]

    @property
    def first(self) -> TopologicalTerm:
        """The one whose place is that of all."""
        return next(iter(self.terms.values()))

    def choose(
        self, shape: Sequence[int], random: np.random.Generator, samples: Sequence[int]
    ) -> Place:
        """Draw where to look: see `TopologicalTerm.choose`."""
        return self.first.choose(shape, random, samples)

    def look(self, place: Place, targets: Tensor, counted: Tensor) -> Looks:
        """Prepare the targets at a place: see `TopologicalTerm.look`."""
        (name, first), *others = self.terms.items()
        look = first.look(place, targets, counted)
        arrays = to_arrays(look.targets) if others else []
        return {name: look} | {
            name: replace(look, prepared=in_threads(term.loss.prepare, arrays))
            for name, term in others
        }

    def place(self, looks: Looks) -> Place:
        """Return where all look."""
        return next(iter(looks.values())).place

    def __call__(self, drawn_NKZYX: Tensor, looks: Looks) -> dict[str, Tensor]:
        """Return the loss of each term, by its name: see `TopologicalTerm`."""
        return {name: term(drawn_NKZYX, looks[name]) for name, term in self.terms.items()}

    def join(
        self,
        main: Tensor,
        found: Mapping[str, Tensor],
        answers: Sequence[Answer],
        share: Share,
        step: int,
    ) -> dict[str, Tensor]:
        """Return the weighted sum of main loss and terms, with each term and its weight.

        A single one is called "topology", several go by their names.
        """
        ratios = [term.ratio(step) for term in self.terms.values()]
        loss, weights = join_all(main, list(found.values()), answers, ratios=ratios, share=share)
        told: dict[str, Tensor] = {"loss": loss}
        for name, weight in zip(found, weights, strict=True):
            shown = name if len(found) > 1 else "topology"
            told |= {shown: found[name], f"{shown}_weight": weight}
        return told


def mixed_terms(config: FinetuneConfig) -> MixedTerms | None:
    """Make the terms of a run's settings; None where it has none."""
    terms: dict[str, TopologicalTerm] = {}
    for name, weight, schedule in config.all_terms:
        own = {"topology_weight": weight, "topology_schedule": schedule}
        term = topological_term(name, config.model_copy(update=own))
        if term is not None:
            terms[name] = term
    return MixedTerms(terms) if terms else None
