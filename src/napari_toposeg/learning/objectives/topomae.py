"""Masked reconstruction that keeps topology (`topomae`).

The topological term looks at the composite, visible voxels as they are and hidden ones rebuilt,
since structures cross the borders of cubes.

References
----------
Gu et al. 2024, arXiv:2406.10519, whose topological term is the choice ``wasserstein``; the default
sees place (see `losses.critical_voxel`).
"""

# B batch, M hidden cubes, V voxels in a cube

from torch import Tensor, nn

from napari_toposeg.config import PretrainConfig
from napari_toposeg.learning.losses.joined import Answer
from napari_toposeg.learning.losses.masked import masked_squared_error
from napari_toposeg.learning.networks.masked_autoencoder import Autoencoder, Rebuilt, composite_of
from napari_toposeg.learning.objectives.masked import MaskedReconstruction
from napari_toposeg.learning.seeds import Purpose, random_of
from napari_toposeg.learning.task import Batch
from napari_toposeg.learning.topological_term import topological_term


class TopologicalReconstruction(MaskedReconstruction):
    """Masked reconstruction with a topological term beside the squared error."""

    def __init__(self, network: Autoencoder, config: PretrainConfig) -> None:
        super().__init__(network, config)
        self.term = topological_term(config.topology, config)

    def prepare(self, batch: Batch, step: int) -> Batch:
        """Draw what is hidden, and what the term looks at."""
        batch = super().prepare(batch, step)
        if self.term is None:
            return batch
        image, inside = batch["image"], batch["inside"]
        place = self.term.choose(image.shape, random_of(self.config.seed, step, Purpose.TOPOLOGY))
        targets, counted = (place.take(part[place.crops]) for part in (image, inside))
        return {**batch, "look": self.term.look(place, targets, counted)}

    def losses(self, network: nn.Module, batch: Batch, step: int) -> dict[str, Tensor]:
        """Return the squared error on hidden voxels and the topological term."""
        if self.term is None:
            return super().losses(network, batch, step)
        rebuilt, counted = self.rebuild(network, batch)
        answer = Answer.of(rebuilt.predicted_BMV)
        squared = masked_squared_error(answer.loose, rebuilt.true_BMV, counted)
        term = self.topology(rebuilt, answer.loose, batch)
        return {"mse": squared} | self.term.join(squared, term, answer, step)

    def topology(self, rebuilt: Rebuilt, predicted_BMV: Tensor, batch: Batch) -> Tensor:
        """Compute the topological term of the composite, of which no more is made than it sees."""
        assert self.term is not None
        look, cube = batch["look"], self.cube
        drawn = look.place.crops.to(predicted_BMV.device)
        box = tuple(slice(cut.start // cube, -(-cut.stop // cube)) for cut in look.place.cut)
        composite = composite_of(
            batch["image"][drawn], predicted_BMV[drawn], rebuilt.hidden_BN[drawn], cube, box
        )
        return self.term(composite, look.from_corner([cube * cut.start for cut in box]))
