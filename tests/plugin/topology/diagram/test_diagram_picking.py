"""Of very many points those are drawn that pixels can show, and all can be hit."""

import numpy as np

from napari_toposeg.plugin.topology.diagram.picking import inside, nearest, thin


def test_of_a_cell_the_first_point_is_kept_and_what_is_out_of_view_is_not() -> None:
    x = np.array([0.4, 0.1, 2.5, 9.0, 2.2])
    y = np.array([0.4, 0.2, 0.5, 0.5, 1.5])
    kept = thin(x, y, ((0.0, 3.0), (0.0, 2.0)), np.array([1.0, 1.0]))
    assert list(kept) == [0, 2, 4]


def test_no_cell_keeps_two_points_and_none_is_lost() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.random((2, 5000))
    kept = thin(x, y, ((0.0, 1.0), (0.0, 1.0)), np.array([0.1, 0.1]))
    cells = np.floor(np.column_stack([x, y]) / 0.1).astype(int)
    assert len(np.unique(cells[kept], axis=0)) == len(kept) == len(np.unique(cells, axis=0))


def test_the_nearest_point_is_measured_in_pixels() -> None:
    x, y = np.array([0.0, 1.0]), np.array([0.0, 1.0])
    assert nearest(x, y, (0.4, 0.9), (0.1, 1.0), 12) == 0
    assert nearest(x, y, (0.4, 0.9), (1.0, 0.1), 12) == 1
    assert nearest(x, y, (0.5, 0.5), (0.01, 0.01), 12) is None
    assert nearest(x[:0], y[:0], (0, 0), (1, 1), 12) is None


def test_a_lasso_holds_what_lies_inside_whatever_the_unit() -> None:
    x = np.array([0.5, 0.9, 0.1]) * 1e-6
    y = np.array([0.2, 0.8, 0.9]) * 1e6
    triangle = np.array([(0, 0), (1e-6, 0), (1e-6, 1e6)])
    assert list(inside(x, y, triangle)) == [True, True, False]
