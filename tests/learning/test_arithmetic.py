import copy

import pytest
import torch
from torch import nn

from napari_toposeg.learning.arithmetic import spare_small_features


def gradients(network: nn.Module, image: torch.Tensor, *, bits: int) -> list[torch.Tensor]:
    network.zero_grad()
    with torch.autocast("cpu", torch.bfloat16, enabled=bits == 16):
        answer = network(image)
    answer.float().square().mean().backward()
    return [each.grad.clone() for each in network.parameters()]


@pytest.mark.parametrize("edges", [(3, 4, 5), (2, 4, 4), (1, 3, 3), (2, 2, 2)])
@pytest.mark.parametrize("stride", [1, 2])
def test_gradients_in_16_bits_are_those_of_32_whatever_the_size_of_features(edges, stride):
    torch.manual_seed(0)
    network = nn.Conv3d(32, 32, 3, stride, padding=1)
    image = torch.randn(2, 32, *edges)
    exact = gradients(network, image, bits=32)
    spare_small_features(network)
    for found, true in zip(gradients(network, image, bits=16), exact, strict=True):
        assert (found - true).norm() < 0.02 * true.norm()


def test_large_features_are_computed_in_16_bits_and_small_ones_are_not():
    network = nn.Sequential(nn.Conv3d(1, 1, 3, padding=1), nn.Conv3d(1, 1, 1))
    spare_small_features(network)
    with torch.autocast("cpu", torch.bfloat16):
        assert network[0](torch.ones(1, 1, 4, 4, 4)).dtype == torch.bfloat16
        assert network[0](torch.ones(1, 1, 2, 4, 4)).dtype == torch.float32
        assert network[1](torch.ones(1, 1, 2, 4, 4)).dtype == torch.bfloat16


def test_names_and_answers_stay_and_copies_have_weights_of_their_own():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv3d(1, 2, 3, padding=1))
    image, before = torch.randn(1, 1, 4, 4, 4), dict(network.state_dict())
    answer = network(image)
    spare_small_features(network)
    assert network.state_dict().keys() == before.keys()
    assert torch.equal(network(image), answer)
    copied = copy.deepcopy(network)
    with torch.no_grad():
        copied[0].weight.zero_()
    assert torch.equal(network(image), answer)
    assert not torch.equal(copied(image), answer)
