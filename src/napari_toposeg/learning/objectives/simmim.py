"""SimMIM (`simmim`): the encoder sees a token in place of hidden cubes; one linear map rebuilds.

    loss = mean over images of  mean_hidden |x - x'|

The head is as light as can be, a 1x1x1 convolution and a pixel shuffle from the coarsest features,
so that the encoder does the work. Unlike a masked autoencoder it runs over all places, visible and
hidden, which suits networks that cannot leave any out.

The error counts hidden voxels that are no padding, and is a mean over them. In the original code
it is divided by the mask's sum plus 1e-5 and by the channels, over the batch as a whole, so images
with more padding would weigh less.

References
----------
Xie et al. 2022, arXiv:2111.09886.
"""

# B batch, N cubes

from collections.abc import Mapping

from torch import Tensor, nn

from napari_toposeg.config import NetworkConfig, PretrainConfig
from napari_toposeg.learning.losses.masked import masked_absolute_error
from napari_toposeg.learning.networks.masked_autoencoder import (
    Autoencoder,
    Rebuilt,
    hidden_values,
)
from napari_toposeg.learning.objectives.heads import (
    HidingEncoder,
    PixelShuffle,
    encoder_weights,
    pooled,
)
from napari_toposeg.learning.objectives.masked import MaskedReconstruction
from napari_toposeg.learning.task import Batch


class SimpleAutoencoder(Autoencoder):
    """Any encoder that hides, and one linear map from its coarsest features to voxels."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.hiding = HidingEncoder(config)
        encoder = self.hiding.encoder
        self.head = PixelShuffle(encoder.widths[-1], config.channels, encoder.strides[-1])
        self.cube = config.hidden_cube

    def forward(self, image_BCZYX: Tensor, hidden_BN: Tensor) -> Rebuilt:
        """Hide cubes and rebuild them; every image of the batch hides equally many."""
        image = image_BCZYX
        features = self.hiding(image, hidden_BN)
        answer = self.hiding.encoder.intensity(self.head(features[-1]))
        predicted, true = (hidden_values(each, hidden_BN, self.cube) for each in (answer, image))
        return Rebuilt(predicted, true, image, hidden_BN, pooled(features), self.cube)


class SimpleMaskedModelling(MaskedReconstruction):
    """The objective: see `objective.Objective`."""

    def __init__(self, network: NetworkConfig, config: PretrainConfig) -> None:
        self.built, self.autoencoder = network, SimpleAutoencoder(network)
        super().__init__(self.autoencoder, config)

    def losses(self, network: nn.Module, batch: Batch, step: int) -> dict[str, Tensor]:
        """Return the absolute error on hidden voxels."""
        rebuilt, counted = self.rebuild(network, batch)
        absolute = masked_absolute_error(rebuilt.predicted_BMV, rebuilt.true_BMV, counted)
        return {"loss": absolute, "l1": absolute}

    def weights(self) -> Mapping[str, Tensor]:
        """Return the encoder's: the head serves this objective only."""
        return encoder_weights(self.autoencoder.hiding.encoder, self.built)
