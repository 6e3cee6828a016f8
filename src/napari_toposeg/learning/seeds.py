"""Random choices that follow from a run's seed, the step, the sample and the purpose alone.

A run that was killed resumes to the numbers of one that was not without any generator's state,
and a batch that is shared among devices, or computed in parts, is the same batch.
"""

from enum import IntEnum

import numpy as np
import torch


class Purpose(IntEnum):
    """What a random choice is for; those of one sample do not depend on each other."""

    CROP = 0
    VISIT = 1
    TURN = 2
    HIDE = 3
    TOPOLOGY = 4
    LIGHT = 5
    NOISE = 6
    VIEWS = 7
    DIVIDE = 8
    TEACH = 9
    BEND = 10
    MIX = 11


def seeded(seed: int, step: int, device: torch.device, *purpose: int) -> torch.Generator:
    """Return the device's generator for one step of a seeded run, and a purpose within the step."""
    state = np.random.SeedSequence((seed, step, *purpose)).generate_state(1, np.uint64)[0]
    return torch.Generator(device).manual_seed(int(state >> np.uint64(1)))


def random_of(*seeds: int) -> np.random.Generator:
    """Return numpy's generator for a run's seed, a step of it, a sample and a purpose."""
    return np.random.default_rng(seeds)
