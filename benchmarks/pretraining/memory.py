"""Measure a step of a ViT-S that segments two crops of 96 voxels: seconds and peak memory.

python benchmarks/pretraining/memory.py [plain | checkpointing | compile]
"""

import resource
import sys
import time

import torch

from napari_toposeg.config import NetworkConfig
from napari_toposeg.learning.networks import build
from napari_toposeg.learning.networks.blocks import compute_anew

STEPS = 3
"""Of which the last is timed: the first compiles."""

BATCH = 2


def main(way: str) -> None:
    """Print the figures."""
    torch.manual_seed(0)
    config = NetworkConfig(name="vit", size="small", patch=16)
    network = build(config, task="segment", classes=1)
    if way == "checkpointing":
        compute_anew(network)
    if way == "compile":
        network.compile()
    image = torch.rand(BATCH, 1, 96, 96, 96)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(STEPS):
        began = time.perf_counter()
        network(image).square().mean().backward()
        seconds = time.perf_counter() - began
    rise = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(f"{way}: {seconds:.2f} s a step, {rise / 2**20:.2f} GiB above the start")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(sys.argv[1] if len(sys.argv) > 1 else "plain")
