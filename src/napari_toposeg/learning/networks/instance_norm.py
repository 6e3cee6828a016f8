"""Instance norm that takes a single voxel too.

The deepest features of a small crop can be one voxel. Its deviation from its own mean is 0, which
torch refuses to say; what a residual block adds to its input is then 0.
"""

from torch import Tensor, nn


class InstanceNorm(nn.InstanceNorm3d):
    """Features ``(B, C, z, y, x)``, each channel less its mean and over its deviation."""

    def forward(self, features: Tensor) -> Tensor:
        """Return features of the same shape."""
        if features.shape[2:].numel() > 1:
            return super().forward(features)
        centred = features - features
        if self.weight is None:
            return centred
        return centred * self.weight[:, None, None, None] + self.bias[:, None, None, None]
