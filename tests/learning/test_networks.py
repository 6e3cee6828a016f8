import pytest
import torch

from napari_toposeg.config import NetworkConfig
from napari_toposeg.learning.networks import build
from napari_toposeg.learning.networks.masked_autoencoder import (
    composite_of,
    draw_hidden,
    hidden_values,
)
from napari_toposeg.learning.networks.vit import sinusoidal_positions
from napari_toposeg.learning.patches import to_patches

NANO = NetworkConfig(size="nano", patch=6)


@pytest.fixture
def autoencoder():
    torch.manual_seed(0)
    return build(NANO, task="reconstruct").eval()


def test_hidden_voxels_do_not_reach_the_prediction(autoencoder):
    image = torch.rand(2, 1, 12, 18, 12)
    hidden = draw_hidden(2, 12, 0.5, torch.Generator().manual_seed(1))
    other = image.clone()
    mask = hidden[:, :, None].expand(-1, -1, 216)
    patches = to_patches(other, 6)
    patches[mask] = 9.0
    from napari_toposeg.learning.patches import from_patches

    changed = autoencoder(from_patches(patches, (2, 3, 2), 6), hidden)
    torch.testing.assert_close(changed.predicted_BMV, autoencoder(image, hidden).predicted_BMV)


def test_visible_voxels_of_the_composite_are_the_images_own(autoencoder):
    image = torch.rand(1, 1, 12, 12, 12)
    hidden = draw_hidden(1, 8, 0.5, torch.Generator().manual_seed(1))
    rebuilt = autoencoder(image, hidden)
    visible, composite = to_patches(image, 6)[~hidden], to_patches(rebuilt.composite_BCZYX, 6)
    assert torch.equal(composite[~hidden], visible)
    assert torch.equal(composite[hidden], rebuilt.predicted_BMV[0])


def test_every_image_of_a_batch_hides_the_wanted_share():
    hidden = draw_hidden(5, 40, 0.6, torch.Generator().manual_seed(0))
    assert hidden.sum(1).tolist() == [24] * 5
    assert len({tuple(row.tolist()) for row in hidden}) == 5


def test_hidden_values_are_in_the_order_of_the_prediction(autoencoder):
    image = torch.rand(2, 1, 12, 12, 12)
    hidden = draw_hidden(2, 8, 0.5, torch.Generator().manual_seed(3))
    assert torch.equal(hidden_values(image, hidden, 6), autoencoder(image, hidden).true_BMV)


def test_each_place_has_its_own_position_code():
    codes = sinusoidal_positions((4, 5, 6), 144)
    assert codes.shape == (120, 144)
    assert torch.cdist(codes, codes).fill_diagonal_(1.0).min() > 0.1


@pytest.mark.parametrize("shape", [(12, 12, 12), (18, 24, 12)])
def test_segmenter_gives_logits_for_every_voxel_of_any_size(shape):
    network = build(NANO, task="segment", classes=2)
    assert network(torch.rand(1, 1, *shape)).shape == (1, 3, *shape)


def test_segmenter_has_the_autoencoders_encoder(autoencoder):
    segmenter = build(NANO, task="segment", classes=1)
    encoder = {name for name in autoencoder.state_dict() if name.startswith("encoder.")}
    assert encoder == {name for name in segmenter.state_dict() if name.startswith("encoder.")}


def test_a_part_of_the_composite_is_that_part_of_the_whole():
    random = torch.Generator().manual_seed(0)
    image = torch.rand(2, 1, 18, 12, 24, generator=random)
    hidden = draw_hidden(2, 3 * 2 * 4, 0.6, random)
    values = torch.rand(2, int(hidden[0].sum()), 6**3, generator=random)
    whole = composite_of(image, values, hidden, 6)
    assert torch.equal(to_patches(whole, 6)[hidden].view_as(values), values)
    assert torch.equal(to_patches(whole, 6)[~hidden], to_patches(image, 6)[~hidden])
    part = composite_of(image, values, hidden, 6, (slice(1, 3), slice(0, 1), slice(2, 4)))
    assert torch.equal(part, whole[:, :, 6:18, :6, 12:])
