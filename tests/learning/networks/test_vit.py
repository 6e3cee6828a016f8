"""The vision transformer against MONAI's, its positions on other grids, and what it may hide."""

import pytest
import torch
from monai.networks.nets import ViT

from napari_toposeg.config import NetworkConfig
from napari_toposeg.errors import InvalidConfig
from napari_toposeg.learning.networks import build_encoder, build_vit
from napari_toposeg.learning.networks.vit import VisionTransformer

GRID = (2, 3, 2)


@pytest.mark.parametrize("patch", [8, 16])
def test_equal_weights_give_the_answers_of_monais_vit(patch, of_monai):
    torch.manual_seed(0)
    shape = tuple(patch * edge for edge in GRID)
    reference = ViT(
        1, shape, (patch,) * 3, hidden_size=48, mlp_dim=192, num_layers=3, num_heads=4
    ).eval()
    torch.nn.init.normal_(reference.patch_embedding.position_embeddings)
    ours = VisionTransformer(patch=patch, dimension=48, depth=3, heads=4, grid=GRID)
    ours.load_state_dict(of_monai(reference.state_dict()))
    ours.show((1, 2))
    image = torch.randn(2, 1, *shape)
    normalised, blocks = reference(image)
    for found, expected in zip(ours(image), [*blocks[:2], normalised], strict=True):
        torch.testing.assert_close(found.flatten(2).transpose(1, 2), expected, atol=1e-5, rtol=1e-4)


def test_learned_positions_keep_a_gradient_of_place_on_any_grid():
    network = VisionTransformer(patch=8, dimension=12, depth=1, heads=2, grid=(4, 4, 4))
    places = torch.cartesian_prod(*(torch.linspace(0.125, 0.875, 4) for _ in range(3)))
    with torch.no_grad():
        network.positions[:, :3] = places
    found = network.positions_on((8, 2, 4), torch.device("cpu"))[:, :3].reshape(8, 2, 4, 3)
    # A patch lies at its centre; interpolation does not look beyond the outermost centres.
    torch.testing.assert_close(found[1:-1, 0, 0, 0], torch.arange(3, 15, 2) / 16)
    torch.testing.assert_close(found[0, :, 0, 1], torch.tensor([0.25, 0.75]))
    torch.testing.assert_close(found[0, 0, :, 2], torch.linspace(0.125, 0.875, 4))


def test_learned_positions_learn_on_other_grids_too():
    network = VisionTransformer(patch=8, dimension=12, depth=1, heads=2, grid=(2, 2, 2))
    network(torch.rand(1, 1, 24, 8, 16))[-1].square().sum().backward()
    assert network.positions.grad.abs().sum() > 0


def test_learned_positions_without_a_grid_are_refused():
    with pytest.raises(InvalidConfig, match="grid"):
        build_vit(NetworkConfig(size="nano", positions="learned"))


@pytest.mark.parametrize("size", ["nano", "tiny", "small", "base"])
@pytest.mark.parametrize("patch", [8, 16])
def test_any_size_takes_any_grid_of_either_patch(size, patch):
    encoder = build_encoder(NetworkConfig(size=size, patch=patch)).eval()
    with torch.inference_mode():
        (features,) = encoder(torch.rand(1, 1, patch, 3 * patch, 2 * patch))
    assert features.shape == (1, *encoder.widths, 1, 3, 2)


def test_what_is_hidden_does_not_reach_any_feature():
    torch.manual_seed(0)
    encoder = build_encoder(NetworkConfig(size="nano", patch=8), hides=True).eval()
    image = torch.rand(1, 1, 16, 16, 32)
    hidden = torch.rand(1, 1, 1, 1, 2) > torch.tensor([2.0, -1.0])
    other = image.clone()
    other[..., 16:] = torch.rand(1, 1, 16, 16, 16)
    assert torch.equal(encoder(image, hidden)[-1], encoder(other, hidden)[-1])
    assert not torch.equal(encoder(image)[-1], encoder(other)[-1])
