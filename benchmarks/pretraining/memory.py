"""Measure a step of a masked ViT-S on two crops of 96 voxels: seconds and peak memory.

python benchmarks/pretraining/memory.py [plain | checkpointing | compile]
"""

import resource
import sys
import time

import torch

from napari_toposeg.config import NetworkConfig
from napari_toposeg.learning.networks import build_masked
from napari_toposeg.learning.networks.blocks import compute_anew

STEPS = 3
"""Of which the last is timed: the first compiles."""

BATCH, EDGE, PATCH = 2, 96, 8
HIDDEN = 0.75


def main(way: str) -> None:
    """Print the figures."""
    torch.manual_seed(0)
    config = NetworkConfig(name="vit", size="small", patch=PATCH)
    network = build_masked(config)
    if way == "checkpointing":
        compute_anew(network)
    if way == "compile":
        network.compile()
    image = torch.rand(BATCH, 1, EDGE, EDGE, EDGE)
    cubes = (EDGE // PATCH) ** 3
    hidden = torch.rand(BATCH, cubes).argsort(1) < round(HIDDEN * cubes)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(STEPS):
        began = time.perf_counter()
        rebuilt = network(image, hidden)
        (rebuilt.predicted_BMV - rebuilt.true_BMV).square().mean().backward()
        seconds = time.perf_counter() - began
    rise = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(f"{way}: {seconds:.2f} s a step, {rise / 2**20:.2f} GiB above the start")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(sys.argv[1] if len(sys.argv) > 1 else "plain")
