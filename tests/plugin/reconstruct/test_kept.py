"""Which features of a scan a reconstruction keeps, on volumes whose features are known."""

import numpy as np
import pytest

from napari_toposeg.plugin.reconstruct.kept import feature_fates, sample_of, suggest_threshold


def ball(shape, centre, radius):
    grid = np.indices(shape)
    distance = np.linalg.norm(grid - np.reshape(centre, (3, 1, 1, 1)), axis=0)
    return np.clip(radius + 2 - distance, 0, 4).astype(np.float32) * 25


@pytest.fixture
def scan():
    """Three balls: two in the hidden half, one in the visible one."""
    shape = (24, 24, 48)
    return sum(ball(shape, (12, 12, x), 4) for x in (8, 20, 40))


@pytest.fixture
def hidden():
    mask = np.zeros((24, 24, 48), bool)
    mask[:, :, :28] = True
    return mask


def test_a_perfect_reconstruction_keeps_all_and_adds_nothing(scan, hidden):
    fates = feature_fates(scan, scan, hidden)
    assert sum(fates.kept) > 0
    assert fates.lost == fates.new == (0, 0, 0)
    assert fates.share == 1


def test_a_ball_that_is_gone_is_lost_and_one_elsewhere_is_new(scan, hidden):
    without = scan - ball(scan.shape, (12, 12, 8), 4)
    moved = without + ball(scan.shape, (4, 4, 14), 3)
    fates = feature_fates(scan, moved, hidden)
    assert fates.lost[0] >= 1 and fates.new[0] >= 1
    assert fates.share < 1


def test_what_was_never_hidden_is_not_counted(scan):
    nowhere = np.zeros(scan.shape, bool)
    fates = feature_fates(scan, np.zeros_like(scan), nowhere)
    assert fates.kept == fates.lost == fates.new == (0, 0, 0)
    assert fates.share is None


def test_a_hollow_that_is_filled_is_a_lost_cavity(hidden):
    shape = hidden.shape
    hollow = ball(shape, (12, 12, 12), 8) - ball(shape, (12, 12, 12), 3)
    fates = feature_fates(hollow, ball(shape, (12, 12, 12), 8), hidden)
    assert fates.lost[2] == 1


def test_a_large_scan_is_matched_on_a_coarser_copy(scan, hidden):
    fates = feature_fates(scan, scan, hidden, most=scan.size // 8)
    assert max(fates.step) == 2
    assert fates.lost == (0, 0, 0)


class OnDisk:
    """An array that tells what was read of it."""

    def __init__(self, voxels):
        self.voxels, self.shape, self.read = voxels, voxels.shape, []

    def __len__(self):
        return len(self.voxels)

    def __getitem__(self, key):
        self.read.append(key)
        return self.voxels[key]


def test_of_an_array_on_disk_one_slice_is_read(scan):
    stored = OnDisk(scan)
    assert sample_of(stored).shape == scan.shape[1:]
    assert stored.read == [12]
    assert 0 < suggest_threshold(stored) < 100
