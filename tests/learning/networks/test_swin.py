"""Swin UNETR against MONAI's, what it hides, and crops whose deepest features are one voxel."""

import pytest
import torch
from monai.networks.nets import SwinUNETR

from napari_toposeg.config import NetworkConfig
from napari_toposeg.learning.networks import build_dense
from napari_toposeg.learning.networks.swin import SwinUnetr


def of_monai(state):
    """Name a Swin UNETR of MONAI's as ours."""
    return {
        f"encoder.swin.{name[8:]}" if name.startswith("swinViT.") else f"decoder.{name}": tensor
        for name, tensor in state.items()
    }


def test_equal_weights_give_the_answers_of_monais_swin_unetr():
    torch.manual_seed(0)
    reference = SwinUNETR(in_channels=1, out_channels=3, feature_size=12).eval()
    ours = SwinUnetr(features=12, outputs=3).eval()
    ours.load_state_dict(of_monai(reference.state_dict()))
    image = torch.rand(1, 1, 64, 32, 32)
    with torch.inference_mode():
        torch.testing.assert_close(ours(image), reference(image))


@pytest.mark.parametrize("shape", [(32, 32, 32), (32, 32, 64)])
def test_every_weight_is_in_the_graph_of_crops_however_small(shape):
    network = build_dense(NetworkConfig(name="swin", size="nano"), outputs=2).train()
    answer = network(torch.rand(1, 1, *shape))
    assert answer.shape == (1, 2, *shape)
    answer.square().mean().backward()
    gradients = {name: each.grad for name, each in network.named_parameters()}
    assert [name for name, gradient in gradients.items() if gradient is None] == []
    assert all(gradient.isfinite().all() for gradient in gradients.values())
    reached = gradients["encoder.swin.layers4.0.blocks.0.mlp.linear1.weight"]
    assert reached.abs().sum() > 0


def test_what_is_hidden_does_not_reach_the_encoder():
    torch.manual_seed(0)
    network = build_dense(NetworkConfig(name="swin", size="nano"), outputs=1, hides=True).eval()
    image = torch.rand(1, 1, 32, 32, 32)
    hidden = torch.rand(1, 1, 2, 2, 2) < 0.5
    other = torch.where(
        hidden.repeat_interleave(16, 2).repeat_interleave(16, 3).repeat_interleave(16, 4),
        torch.rand(1),
        image,
    )
    with torch.inference_mode():
        for one, two in zip(
            network.encoder(image, hidden), network.encoder(other, hidden), strict=True
        ):
            assert torch.equal(one, two)
        assert not torch.equal(network.encoder(image)[-1], network.encoder(other)[-1])


def test_widths_and_strides_are_those_of_the_features():
    encoder = build_dense(NetworkConfig(name="swin", size="nano"), outputs=1).eval().encoder
    with torch.inference_mode():
        features = encoder(torch.rand(1, 1, 32, 32, 64))
    for feature, width, stride in zip(features, encoder.widths, encoder.strides, strict=True):
        assert feature.shape[1] == width
        assert tuple(feature.shape[2:]) == (32 // stride[0], 32 // stride[1], 64 // stride[2])


def test_the_published_size_has_its_parameters():
    with torch.device("meta"):
        network = build_dense(NetworkConfig(name="swin", size="base"), outputs=14)
    assert round(sum(each.numel() for each in network.parameters()) / 1e6, 2) == 62.19
