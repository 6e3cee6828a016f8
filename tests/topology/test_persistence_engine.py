"""The engine of persistence against GUDHI and CubicalRipser on images of every sort."""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.topology import compiling, persistence
from napari_toposeg.topology.morse import lower_star
from napari_toposeg.topology.morse.sorting import longest_first
from napari_toposeg.topology.morse.watch import Watch, run_tasks

sys.path.append(str(Path(__file__).parent))

from oracles.persistence import KINDS, draw_image, draw_kind, gudhi_diagram, ripser_diagram

VARIANTS = [(construction, below) for construction in "TV" for below in (False, True)]
each_kind = pytest.mark.parametrize("kind", KINDS)
each_variant = pytest.mark.parametrize(("construction", "superlevel"), VARIANTS)
COLUMNS = ("dimension", "birth", "death", "birth_voxel", "death_voxel")


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def values(diagram, dimension: int) -> np.ndarray:
    rows = diagram.select(dimension)
    pairs = np.stack([rows.birth, rows.death], axis=1)
    return pairs[np.lexsort(pairs.T)]


def voxels(diagram) -> list[tuple[int, ...]]:
    return sorted(zip(diagram.dimension, diagram.birth_voxel, diagram.death_voxel, strict=True))


def same(one, other) -> bool:
    return all(np.array_equal(getattr(one, c), getattr(other, c)) for c in COLUMNS)


@pytest.mark.parametrize("seed", range(250))
def test_values_are_those_of_gudhi_and_cubical_ripser(seed):
    _, image = draw_image(np.random.default_rng(seed), 40, 11)
    for construction, superlevel in VARIANTS:
        diagram = persistence(image, construction=construction, superlevel=superlevel)
        by_gudhi = gudhi_diagram(image, construction, superlevel)
        by_ripser = ripser_diagram(image, construction, superlevel)
        for dimension in range(image.ndim):
            got = values(diagram, dimension)
            np.testing.assert_array_equal(got, by_gudhi[dimension] + 0.0)
            # CubicalRipser does not know volumes and images of one layer as such.
            if min(image.shape) > 1:
                np.testing.assert_array_equal(got, by_ripser[dimension] + 0.0)


@each_kind
@each_variant
def test_both_engines_pair_the_same_voxels_under_ties(kind, construction, superlevel):
    for shape in ((9, 7, 8), (1, 6, 5), (4, 1, 1), (23, 17), (1, 30)):
        image = draw_kind(kind, shape, np.random.default_rng(len(shape)))
        choices = {"construction": construction, "superlevel": superlevel}
        ours, reference = (persistence(image, engine=e, **choices) for e in ("toposeg", "gudhi"))
        assert voxels(ours) == voxels(reference)


@pytest.mark.parametrize("kind", ["int64", "uint64"])
@each_variant
def test_whole_numbers_beyond_double_precision_keep_their_order(kind, construction, superlevel):
    limits = np.iinfo(kind)
    image = np.random.default_rng(0).integers(limits.min, limits.max, (6, 7, 5), kind, True)
    image.flat[:2] = limits.max, limits.max - 1
    choices = {"construction": construction, "superlevel": superlevel}
    ours, reference = (persistence(image, engine=e, **choices) for e in ("toposeg", "gudhi"))
    assert voxels(ours) == voxels(reference)


@pytest.mark.parametrize("threads", [1, 2])
def test_slabs_chunks_and_shares_do_not_show(monkeypatch, threads):
    images = noise(14, 15, 16), noise(40, 41)
    whole = [persistence(image) for image in images]
    monkeypatch.setattr("napari_toposeg.topology.morse.patterns.SLAB_BYTES", 4000)
    monkeypatch.setattr("napari_toposeg.topology.morse.basins.CHUNK", 50)
    monkeypatch.setattr("napari_toposeg.topology.morse.loops.CHUNK", 50)
    monkeypatch.setattr("napari_toposeg.topology.morse.planar.CHUNK", 50)
    monkeypatch.setattr("napari_toposeg.topology.morse.planar.MANY", 0)
    monkeypatch.setattr("napari_toposeg.topology.cubical.MANY", 0)
    for image, want in zip(images, whole, strict=True):
        assert same(persistence(image, threads=threads), want)


def test_views_of_any_strides_and_read_only_images_will_do():
    image = noise(9, 10, 11)
    view = image.transpose(2, 0, 1)[::-1, ::2]
    view.flags.writeable = False
    assert same(persistence(view), persistence(view.copy()))


@each_variant
def test_number_of_threads_does_not_show(construction, superlevel):
    image = np.round(noise(33, 70, 71), 1)
    choices = {"construction": construction, "superlevel": superlevel}
    diagrams = [persistence(image, threads=n, **choices) for n in (1, 2, 2, 5, None)]
    assert all(same(diagrams[0], diagram) for diagram in diagrams[1:])


@each_variant
def test_number_of_threads_does_not_show_in_2d(construction, superlevel):
    image = np.round(noise(301, 303), 2)
    choices = {"construction": construction, "superlevel": superlevel}
    diagrams = [persistence(image, threads=n, **choices) for n in (1, 2, 3, None)]
    assert all(same(diagrams[0], diagram) for diagram in diagrams[1:])
    assert voxels(diagrams[0]) == voxels(persistence(image, engine="gudhi", **choices))


def test_one_pixel_has_one_component():
    for construction, superlevel in VARIANTS:
        choices = {"construction": construction, "superlevel": superlevel}
        assert voxels(persistence(np.ones((1, 1)), **choices)) == [(0, 0, -1)]
        assert voxels(persistence(np.ones((1, 1)), dimensions=[], **choices)) == []


def test_bars_that_differ_beyond_single_precision_are_ordered():
    rng = np.random.default_rng(0)
    # All lengths are the same number in single precision.
    length = 1 + rng.integers(0, 900, 2000) * 1e-15
    place = rng.permutation(2000)
    assert np.array_equal(longest_first(length, place), np.lexsort((place, -length)))


@pytest.mark.parametrize("threads", [1, 2])
def test_progress_in_2d_comes_to_the_end_and_can_cancel(threads):
    heard = []
    persistence(noise(400, 400), threads=threads, progress=heard.append)
    assert heard == sorted(heard)
    assert heard[-1] == 1

    def cancel(done: float) -> None:
        if done >= 0.3:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        persistence(noise(400, 400), threads=threads, progress=cancel)


def test_threads_that_call_at_once_get_the_same():
    images = [np.round(noise(20, 21, 22, seed=s), 1) for s in range(4)]
    alone = [persistence(image) for image in images]
    with ThreadPoolExecutor(4) as pool:
        together = list(
            pool.map(lambda i: persistence(images[i % 4], threads=1 + i % 2), range(16))
        )
    assert all(same(diagram, alone[i % 4]) for i, diagram in enumerate(together))


def test_chosen_dimensions_are_those_of_the_whole():
    for image in (noise(8, 9, 7), noise(12, 13)):
        for construction, superlevel in VARIANTS:
            choices = {"construction": construction, "superlevel": superlevel}
            whole = persistence(image, **choices)
            for dimension in range(image.ndim):
                part = persistence(image, dimensions=[dimension], **choices)
                assert same(part, whole.select(dimension))
    assert len(persistence(noise(4, 5), dimensions=[])) == 0


def test_components_alone_do_not_pair_loops(monkeypatch):
    def fail(*args):
        raise AssertionError("loops were paired")

    monkeypatch.setattr("napari_toposeg.topology.morse.engine.pair_loops", fail)
    assert len(persistence(noise(6, 6, 6), dimensions=[0, 2])) > 2
    with pytest.raises(AssertionError, match="loops"):
        persistence(noise(6, 6, 6), dimensions=[1])


def test_bound_drops_what_does_not_last_longer():
    image = np.random.default_rng(0).integers(0, 9, (8, 8, 8))
    for engine in ("toposeg", "gudhi"):
        kept = persistence(image, min_persistence=3, engine=engine)
        assert same(kept, persistence(image, engine=engine).select(min_persistence=3))
        assert kept.persistence.min() == 4


@pytest.mark.parametrize("threads", [1, 2])
def test_progress_rises_to_the_end_in_the_calling_thread(threads):
    heard = []
    persistence(
        noise(40, 60, 60),
        threads=threads,
        progress=lambda done: heard.append((done, threading.get_ident())),
    )
    fractions = [done for done, _ in heard]
    assert len(heard) > 8
    assert fractions == sorted(fractions)
    assert 0 <= fractions[0] < 0.1
    assert fractions[-1] == 1
    assert {thread for _, thread in heard} == {threading.get_ident()}


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("when", [0, 0.15, 0.3, 0.6, 0.9])
def test_what_the_hook_raises_cancels_the_work(threads, when):
    class Cancelled(Exception):
        pass

    def cancel(done: float) -> None:
        if done >= when:
            raise Cancelled

    before = threading.active_count()
    with pytest.raises(Cancelled):
        persistence(noise(40, 60, 60), threads=threads, progress=cancel)
    assert threading.active_count() == before
    assert len(persistence(noise(5, 5, 5))) > 0


def test_a_fault_in_another_thread_is_passed_on():
    def fail() -> None:
        raise MemoryError

    with pytest.raises(MemoryError):
        run_tasks([fail, lambda: None], 2, Watch().tell)


@pytest.mark.parametrize(
    "choice",
    [{"engine": "phat"}, {"threads": 0}, {"min_persistence": -1}, {"min_persistence": np.nan}],
)
def test_unknown_choices_are_refused(choice):
    with pytest.raises(InvalidConfig):
        persistence(np.zeros((3, 3)), **choice)


def test_every_lower_star_is_matched_perfectly():
    rows = lower_star.matchings().rows[1:]
    codes = np.arange(27)
    cells = rows[:, :27].astype(int)
    there = cells >= 0
    assert len(np.unique(rows[:, 27:30], axis=0)) <= len(rows) == 15_935
    assert (cells[np.nonzero(there)[0], cells[there]] == np.nonzero(there)[1]).all()
    critical = there & (cells == codes)
    sign = (-1) ** lower_star.DIMENSION
    assert ((there * sign).sum(axis=1) == (critical * sign).sum(axis=1)).all()
    # The link of the lower star is planar or a sphere: critical squares and edges are independent.
    assert critical.sum(axis=1).max() == 7


def test_compiling_is_announced_once_and_only_where_nothing_is_cached(caplog):
    class Kernel:
        signatures = ()

    with caplog.at_level("INFO", "napari_toposeg"):
        for _ in range(2):
            compiling.announce_compiling(Kernel(), "a kernel of this test", 3)
    assert [r.getMessage() for r in caplog.records] == [
        "compiling a kernel of this test for this machine, once: about 3 s"
    ]
    caplog.clear()
    persistence(noise(4, 4, 4))
    assert compiling.is_cached(lower_star.match_stars)
    assert caplog.records == []
