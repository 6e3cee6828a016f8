"""Masked reconstruction by a network with a decoder of its own.

Cubes of the image are hidden from the encoder; the network's own decoder, the same that will
segment, answers for every voxel, and the answer counts where voxels were hidden.

References
----------
SimMIM (Xie et al. 2022, arXiv:2111.09886); for convolutional networks SparK (Tian et al. 2023,
arXiv:2301.03580).
"""

from torch import Tensor, nn

from napari_toposeg.learning.networks.encoder import EncoderDecoder, cubes_of
from napari_toposeg.learning.networks.masked_autoencoder import (
    Autoencoder,
    Rebuilt,
    composite_of,
    hidden_values,
)


class DenseAutoencoder(Autoencoder):
    """A network whose answer is the image.

    Parameters
    ----------
    network
        Built with `hides`; as many outputs as the image has channels.
    cube
        Edge of what is hidden as one, in voxels.
    """

    def __init__(self, network: EncoderDecoder, *, cube: int) -> None:
        super().__init__()
        self.network, self.cube = network, cube

    @property
    def encoder(self) -> nn.Module:
        """The encoder of the network."""
        return self.network.encoder

    def forward(self, image_BCZYX: Tensor, hidden_BN: Tensor) -> Rebuilt:
        """Hide cubes and rebuild them; every image of the batch hides equally many."""
        image = image_BCZYX
        features = self.network.encoder(image, cubes_of(hidden_BN, image, self.cube))
        answer, *_ = self.network.decode(features, image)
        predicted, true = (hidden_values(each, hidden_BN, self.cube) for each in (answer, image))
        composite = composite_of(image, predicted, hidden_BN, self.cube)
        return Rebuilt(predicted, true, composite, hidden_BN, features[-1].mean((2, 3, 4)))
