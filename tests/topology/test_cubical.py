"""Persistence against known shapes, GUDHI's own diagrams, and a definition by labelling."""

from concurrent.futures import ThreadPoolExecutor

import gudhi
import numpy as np
import pytest
from scipy import ndimage

from napari_toposeg.errors import InvalidConfig, InvalidVolume
from napari_toposeg.topology import persistence

IMAGES = {
    "noise 3D": np.random.default_rng(0).standard_normal((7, 8, 9)),
    "smooth 3D": ndimage.gaussian_filter(np.random.default_rng(1).standard_normal((12, 9, 10)), 1),
    "ties 3D": np.random.default_rng(2).integers(0, 4, (6, 7, 8)).astype(np.uint8),
    "binary 3D": np.random.default_rng(3).random((6, 7, 8)) < 0.4,
    "noise 2D": np.random.default_rng(4).standard_normal((13, 11)).astype(np.float32),
    "ties 2D": np.random.default_rng(5).integers(-3, 3, (13, 11)),
    "one row": np.random.default_rng(6).standard_normal((1, 1, 12)),
    "one voxel": np.full((1, 1, 1), 5.0),
}
each_image = pytest.mark.parametrize("image", IMAGES.values(), ids=IMAGES.keys())
each_construction = pytest.mark.parametrize("construction", ["T", "V"])
each_direction = pytest.mark.parametrize("superlevel", [False, True], ids=["sub", "super"])


def shell(radius: float, size: int = 11) -> np.ndarray:
    """A ball's surface of value 1 in a volume of 0; inside it is 0 again."""
    distance = np.linalg.norm(np.indices((size,) * 3) - size // 2, axis=0)
    return (abs(distance - radius) < 1).astype(np.float32)


@each_image
@each_construction
@each_direction
def test_values_are_those_of_gudhi(image, construction, superlevel):
    values = image.astype(float) * (-1 if superlevel else 1)
    name = "top_dimensional_cells" if construction == "T" else "vertices"
    oracle = gudhi.CubicalComplex(**{name: values})
    oracle.compute_persistence(homology_coeff_field=2)
    diagram = persistence(image, construction=construction, superlevel=superlevel)
    for dimension in range(image.ndim):
        want = oracle.persistence_intervals_in_dimension(dimension).reshape(-1, 2)
        rows = diagram.select(dimension)
        got = np.stack([rows.birth, rows.death], axis=1) * (-1 if superlevel else 1)
        assert sorted(map(tuple, got.tolist())) == sorted(map(tuple, want.tolist()))


@each_image
@each_construction
@each_direction
def test_values_stand_at_their_voxels(image, construction, superlevel):
    diagram = persistence(image, construction=construction, superlevel=superlevel)
    finite = ~diagram.is_essential
    assert len(diagram) > 0
    assert (image.flat[diagram.birth_voxel] == diagram.birth).all()
    assert (image.flat[diagram.death_voxel[finite]] == diagram.death[finite]).all()
    assert (diagram.death_voxel[~finite] == -1).all()
    assert (diagram.death[~finite] == (-np.inf if superlevel else np.inf)).all()
    assert (diagram.persistence > 0).all()


def test_shell_has_one_cavity_closed_by_its_last_voxel():
    image = shell(4) + 0.001 * np.random.default_rng(0).random((11,) * 3)
    cavity = persistence(image, superlevel=True).select(2, 0.5)
    assert len(cavity) == 1
    assert 1 <= cavity.birth <= 1.001
    inside = np.linalg.norm(np.indices(image.shape) - 5, axis=0) < 3
    assert cavity.death == image[inside].min()


def test_components_of_a_superlevel_set_are_bars_alive():
    image = IMAGES["smooth 3D"]
    bars = persistence(image, dimensions=[0], superlevel=True)
    for level in np.linspace(image.min(), image.max(), 7)[1:-1]:
        alive = np.count_nonzero((bars.birth >= level) & (bars.death < level))
        assert alive == ndimage.label(image >= level, np.ones((3, 3, 3)))[1]


def test_ties_are_broken_by_voxel_index():
    image = np.array([[0, 1, 0, 1, 0]])
    components = persistence(image, dimensions=[0])
    assert components.birth_voxel.tolist() == [0, 2, 4]
    assert components.death_voxel.tolist() == [-1, 1, 3]


def test_only_the_dimensions_asked_for_are_returned():
    image = IMAGES["noise 3D"]
    assert set(persistence(image).dimension) == {0, 1, 2}
    assert set(persistence(image, dimensions=(1,)).dimension) == {1}
    assert set(persistence(IMAGES["noise 2D"]).dimension) == {0, 1}


def test_threads_do_not_disturb_each_other():
    image = IMAGES["smooth 3D"]
    with ThreadPoolExecutor(4) as pool:
        diagrams = list(pool.map(persistence, [image] * 8))
    assert all((d.death_voxel == diagrams[0].death_voxel).all() for d in diagrams)


def test_select_keeps_what_lasts_longer_than_the_bound():
    diagram = persistence(IMAGES["noise 3D"])
    bound = float(np.median(diagram.persistence))
    kept = diagram.select(min_persistence=bound)
    assert len(kept) == np.count_nonzero(diagram.persistence > bound)
    assert len(diagram.select(essential=False)) == len(diagram) - 1
    assert len(diagram.select(0, 1e9)) == 1


def test_rows_run_from_the_most_persistent_to_the_least():
    diagram = persistence(IMAGES["noise 3D"])
    for dimension in range(3):
        assert (np.diff(diagram.select(dimension).persistence[1:]) <= 0).all()


@pytest.mark.parametrize("fault", [np.nan, np.inf, -np.inf])
def test_values_without_a_place_in_the_filtration_are_refused(fault):
    image = np.zeros((3, 3, 3))
    image[1, 1, 1] = fault
    with pytest.raises(InvalidVolume, match="1 of 27"):
        persistence(image)


@pytest.mark.parametrize(
    "image", [np.zeros(5), np.zeros((2, 2, 2, 2)), np.zeros((0, 3)), np.zeros((2, 2), complex)]
)
def test_arrays_that_are_no_grey_image_are_refused(image):
    with pytest.raises(InvalidVolume):
        persistence(image)


def test_unknown_choices_are_refused():
    with pytest.raises(InvalidConfig, match="'X'"):
        persistence(np.zeros((2, 2)), construction="X")
    with pytest.raises(InvalidConfig, match=r"\[2\]"):
        persistence(np.zeros((2, 2)), dimensions=[2])


def test_diagram_says_what_it_holds():
    diagram = persistence(np.array([[0, 0, 0], [0, 9, 0], [0, 0, 0]]))
    assert repr(diagram) == "PersistenceDiagram of (3, 3): 1 + 1 features of dimension 0, 1"


def test_values_beyond_the_diagrams_precision_are_refused():
    with pytest.raises(InvalidVolume, match="infinite"):
        persistence(np.array([[0, np.longdouble("1e4000")]]))


def test_masked_arrays_are_refused():
    with pytest.raises(InvalidVolume, match="fill them"):
        persistence(np.ma.masked_array(np.eye(3), mask=np.eye(3) > 0))
