"""UNETR against MONAI's, and the patches that it takes."""

import pytest
import torch
from monai.networks.nets import UNETR

from napari_toposeg.config import NetworkConfig
from napari_toposeg.errors import InvalidConfig
from napari_toposeg.learning.networks import build, build_dense
from napari_toposeg.learning.networks.unetr import Unetr
from napari_toposeg.learning.networks.vit import VisionTransformer

DECODER = {
    "encoder1": "image",
    "encoder2": "skips.0",
    "encoder3": "skips.1",
    "encoder4": "skips.2",
    "decoder5": "ups.0",
    "decoder4": "ups.1",
    "decoder3": "ups.2",
    "decoder2": "ups.3",
    "out": "answer",
}


def of_monais_unetr(state, of_monai):
    """Name a UNETR of MONAI's as ours."""
    vit = {name[4:]: tensor for name, tensor in state.items() if name.startswith("vit.")}
    named = {f"encoder.{name}": tensor for name, tensor in of_monai(vit).items()}
    for name, tensor in state.items():
        part, _, rest = name.partition(".")
        if part in DECODER:
            named[f"{DECODER[part]}.{rest}"] = tensor
    return named


def test_equal_weights_give_the_answers_of_monais_unetr(of_monai):
    torch.manual_seed(0)
    shape = (32, 16, 32)
    reference = UNETR(1, 3, shape, feature_size=4, hidden_size=24, mlp_dim=96, num_heads=2).eval()
    encoder = VisionTransformer(patch=16, dimension=24, depth=12, heads=2, grid=(2, 1, 2))
    ours = Unetr(encoder, outputs=3, features=4).eval()
    ours.load_state_dict(of_monais_unetr(reference.state_dict(), of_monai))
    image = torch.rand(2, 1, *shape)
    with torch.inference_mode():
        torch.testing.assert_close(ours(image), reference(image), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("patch", [4, 8, 16])
def test_every_weight_learns_and_every_voxel_is_answered(patch):
    network = build_dense(NetworkConfig(name="unetr", size="nano", patch=patch), outputs=2)
    shape = (patch, 2 * patch, 3 * patch)
    answer = network(torch.rand(1, 1, *shape))
    assert answer.shape == (1, 2, *shape)
    answer.square().mean().backward()
    assert [name for name, each in network.named_parameters() if each.grad is None] == []


@pytest.mark.parametrize("patch", [2, 6, 12])
def test_a_patch_that_doubling_does_not_reach_is_refused(patch):
    with pytest.raises(InvalidConfig, match="--patch 8 or --patch 16"):
        build_dense(NetworkConfig(name="unetr", size="nano", patch=patch), outputs=2)


def test_unetr_has_the_masked_autoencoders_encoder():
    config = NetworkConfig(name="unetr", size="nano", patch=8)
    pretrained, segmenter = (
        {name for name in build(config, task=task, classes=1).state_dict() if "encoder." in name}
        for task in ("reconstruct", "segment")
    )
    assert pretrained == segmenter


def test_a_network_of_four_channels_takes_four():
    config = NetworkConfig(name="unetr", size="nano", patch=8, channels=4)
    assert build_dense(config, outputs=2)(torch.rand(1, 4, 8, 16, 8)).shape == (1, 2, 8, 16, 8)
