"""The strong augmentation: nothing folds, labels stay true, and chance follows from the sample."""

import numpy as np
import pytest
import torch
from scipy.interpolate import BSpline

from napari_toposeg.config import NetworkConfig
from napari_toposeg.learning.appearance import (
    coarsened,
    contrasted,
    curved,
    sharpened,
    uneven,
)
from napari_toposeg.learning.augment import Augmentation, augmentation_of, thick_axis
from napari_toposeg.learning.bending import FOLDLESS, bent_grid, cells_of, field_of, spline_matrix
from napari_toposeg.learning.cards import Card
from napari_toposeg.learning.turning import draw_turns, grid_of
from napari_toposeg.topology import betti_numbers

EDGES = (24, 40, 32)


def card(modality="MR", spacing=(1.0, 1.0, 1.0)) -> Card:
    network = NetworkConfig()
    return Card(
        name="a", task="segment", network=network, crop=EDGES, spacing=spacing, modality=modality
    )


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def least_volume(coefficients: torch.Tensor) -> float:
    """The least Jacobian determinant of a bend, in voxels, by differences of neighbours."""
    grid = bent_grid(torch.eye(3)[None], coefficients, EDGES)[0].flip(-1)
    place = (grid * torch.tensor(EDGES) / 2).double()
    columns = [torch.gradient(place, dim=axis)[0] for axis in range(3)]
    return float(torch.linalg.det(torch.stack(columns, dim=-1)).min())


def hardest(factor: float, seed: int) -> torch.Tensor:
    """Coefficients that are all as large as they can be, times a factor."""
    cells = torch.tensor(cells_of(EDGES))
    signs = (noise(1, 3, *(cells + 3).tolist(), seed=seed) > 0.5).float() * 2 - 1
    return signs * (factor * FOLDLESS * 2 / cells)[:, None, None, None]


def test_what_is_bent_as_far_as_can_be_folds_nowhere():
    assert all(least_volume(hardest(1.0, seed)) > 0 for seed in range(20))
    assert any(least_volume(hardest(4.0, seed)) < 0 for seed in range(20))


def test_splines_are_those_of_scipy_and_add_up_to_one():
    matrix = spline_matrix(37, 5, torch.float64, torch.device("cpu"))
    places = (np.arange(37) + 0.5) * 5 / 37
    knots = np.arange(-3.0, 9.0)
    for number in range(8):
        own = BSpline.basis_element(knots[number : number + 5], extrapolate=False)(places)
        np.testing.assert_allclose(matrix[:, number], np.nan_to_num(own), atol=1e-12)
    torch.testing.assert_close(matrix.sum(1), torch.ones(37, dtype=torch.float64))


def test_without_a_bend_the_grid_is_that_of_the_turn():
    turns = draw_turns(0, 1, range(2), EDGES, rotation=30, scale=1.4, stretch=1.2)
    points = [count + 3 for count in cells_of(EDGES)]
    still = torch.zeros(2, 3, *points)
    torch.testing.assert_close(
        bent_grid(turns, still, EDGES), grid_of(turns, (2, 1, *EDGES)), atol=1e-5, rtol=0
    )


def test_a_ring_that_is_bent_stays_a_ring():
    z, y, x = torch.meshgrid(*(torch.linspace(-1, 1, edge) for edge in EDGES), indexing="ij")
    ring = (((y**2 + x**2).sqrt() - 0.5) ** 2 + (0.6 * z) ** 2 < 0.2**2).long()[None]
    augmentation = Augmentation(rotation=0.0, scale=1.0, bent=1.0)
    moved = 0
    for step in range(10):
        turns = augmentation.draw_turns(0, step, [0], EDGES)
        _, bent = augmentation.turn(ring[None].float(), ring, turns)
        assert betti_numbers((bent == 1)[0].numpy()) == (1, 1, 0)
        moved += int((bent != ring).sum())
    assert moved > 1000


def test_labels_go_where_the_image_goes():
    ball = (
        torch.stack(torch.meshgrid(*(torch.linspace(-1, 1, e) for e in EDGES), indexing="ij")) ** 2
    ).sum(0) < 0.4
    strong = augmentation_of("strong", card())
    turns = strong.draw_turns(0, 1, range(8), EDGES)
    images, labels = strong.turn(
        ball.float().expand(8, 1, *EDGES), ball.long().expand(8, *EDGES), turns
    )
    inside = labels >= 0
    assert ((images[:, 0] > 0.5) == (labels == 1))[inside].float().mean() > 0.99
    assert (labels < 0).any()
    assert labels.dtype == torch.int64


def test_turns_are_rigid_in_mm():
    spacing = torch.tensor([2.5, 1.0, 0.8], dtype=torch.float64)
    turns = draw_turns(
        0, 3, range(4), EDGES, rotation=30, scale=1.0, spacing=(2.5, 1.0, 0.8)
    ).double()
    half = torch.tensor(EDGES) / 2 * spacing
    in_mm = turns * half[:, None] / half[None, :]
    torch.testing.assert_close(
        in_mm @ in_mm.transpose(1, 2), torch.eye(3).double().expand(4, 3, 3), atol=1e-5, rtol=0
    )
    assert (in_mm - torch.eye(3)).abs().max() > 0.1


def test_nothing_moves_across_thick_slices():
    assert thick_axis((5.0, 0.8, 0.8)) == 0 and thick_axis((1.0, 1.0, 2.5)) is None
    strong = augmentation_of("strong", card(spacing=(5.0, 0.8, 0.8)))
    turns = strong.draw_turns(0, 1, range(8), EDGES)
    grid = strong.grid(turns, (8, 1, *EDGES))
    upright = torch.linspace(-1, 1, EDGES[0] * 2 + 1)[1::2]
    torch.testing.assert_close(
        grid[..., 2], upright[None, :, None, None].expand(8, *EDGES), atol=1e-5, rtol=0
    )
    assert (turns - torch.eye(3, turns.shape[2])).abs().amax() > 0.05


@pytest.mark.parametrize("name", ["standard", "strong"])
def test_the_chance_of_a_sample_is_its_own(name):
    chosen = augmentation_of(name, card())
    images = noise(4, 1, *EDGES)
    together = chosen.draw_turns(3, 7, range(4), EDGES), chosen.relight(images, 3, 7, range(4))
    apart = [
        (
            chosen.draw_turns(3, 7, part, EDGES),
            chosen.relight(images[part[0] : part[-1] + 1], 3, 7, part),
        )
        for part in (range(2), range(2, 4))
    ]
    for whole, parts in zip(together, zip(*apart, strict=True), strict=True):
        assert torch.equal(whole, torch.cat(parts))
    assert not torch.equal(chosen.relight(images, 4, 7, range(4)), together[1])


def test_strong_changes_more_than_standard():
    images = noise(32, 1, 12, 12, 12)
    changes = [
        (augmentation_of(name, card()).relight(images, 0, 1, range(32)) - images).abs().mean()
        for name in ("standard", "strong")
    ]
    assert changes[1] > 1.2 * changes[0]


def test_no_field_of_ct_is_uneven():
    assert augmentation_of("strong", card("CT")).scanner.unevenness == 0
    assert augmentation_of("strong", card("MR")).scanner.unevenness > 0


def test_thick_slices_are_means_of_what_they_hold():
    line = torch.tensor([0.0, 2.0, 4.0, 6.0]).reshape(1, 4, 1, 1)
    found = coarsened(line, 0, 2.0).flatten()
    # Slices of 1 and 5, at the places 0.5 and 2.5.
    torch.testing.assert_close(found, torch.tensor([1.0, 2.0, 4.0, 5.0]))
    image = noise(2, 7, 9, 11)
    torch.testing.assert_close(coarsened(image, 1, 1.0), image)
    torch.testing.assert_close(
        coarsened(image, 2, 100.0), image.mean(3, keepdim=True).expand_as(image)
    )


def test_a_constant_field_multiplies():
    image = noise(1, 8, 8, 8)
    image[0, 0, 0, 0] = 0.0
    torch.testing.assert_close(
        uneven(image, torch.full((1, 4, 4, 4), np.log(2.0), dtype=torch.float32)), 2 * image
    )
    field = field_of(torch.randn(1, 1, 4, 4, 4), (16, 16, 16))
    assert field.diff(dim=2).abs().max() < 0.5


def test_contrast_bends_within_its_range():
    image = noise(2, 6, 6, 6) * 3 - 1
    for inverted in (False, True):
        bent = curved(image, 1.7, inverted=inverted)
        torch.testing.assert_close(bent.amin((1, 2, 3)), image.amin((1, 2, 3)))
        torch.testing.assert_close(bent.amax((1, 2, 3)), image.amax((1, 2, 3)))
        in_order = bent.flatten(1).gather(1, image.flatten(1).argsort(1))
        assert (in_order.diff(dim=1) >= 0).all()
        assert (bent < image + 1e-6).all() != inverted
    torch.testing.assert_close(curved(-image, 1.7, inverted=True), -curved(image, 1.7))
    torch.testing.assert_close(contrasted(image, 1.0), image)


def test_sharpness_doubles_or_takes_detail():
    image = noise(1, 16, 16, 16)
    blurred = sharpened(image, -0.5)
    assert blurred.std() < 0.5 * image.std()
    torch.testing.assert_close(sharpened(image, 1.0) + blurred, 2 * image)
