"""Random choices that follow from a run's seed and the step alone.

So a run that was killed resumes to the numbers of one that was not, without any generator's state.
"""

import numpy as np
import torch


def seeded(seed: int, step: int, device: torch.device, *purpose: int) -> torch.Generator:
    """Return the device's generator for one step of a seeded run, and a purpose within the step."""
    state = np.random.SeedSequence((seed, step, *purpose)).generate_state(1, np.uint64)[0]
    return torch.Generator(device).manual_seed(int(state >> np.uint64(1)))


def random_of(*seeds: int) -> np.random.Generator:
    """Return numpy's generator for a run's seed, a step of it and a purpose within the step."""
    return np.random.default_rng(seeds)
