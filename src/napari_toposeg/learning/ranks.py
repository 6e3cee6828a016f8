"""Ranks: the processes of a run that work together, one for each device.

Each draws and computes its share of every batch. All take the same steps, judge alike and tell the
same Steps; the one of rank 0 alone writes and speaks.
"""

import os
from collections.abc import Mapping

import torch
import torch.distributed
from lightning_fabric import Fabric
from lightning_fabric.strategies import DDPStrategy, ModelParallelStrategy, Strategy
from torch import nn
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.fsdp import fully_shard

from napari_toposeg.config import TrainingConfig
from napari_toposeg.errors import InvalidConfig
from napari_toposeg.learning.devices import choose_precision, resolve_device
from napari_toposeg.learning.networks.blocks import blocks_of


def launch(config: TrainingConfig) -> int:
    """Start a process for each further device of this node, and return this one's rank.

    Each runs the same command again, so this is for the command line, and comes before the data
    is read. Under torchrun and srun all processes are there already.

    Raises
    ------
    InvalidConfig
        If torchrun or srun started another number of processes than the run has devices.
    """
    require_processes(config)
    if world_of(config) == 1:
        return 0
    fabric = new_fabric(config)
    fabric.launch()
    rank: int = fabric.global_rank
    return rank


def world_of(config: TrainingConfig) -> int:
    """Return the number of processes of a run."""
    return config.devices * config.nodes


def require_processes(config: TrainingConfig) -> None:
    """Raise InvalidConfig if torchrun or srun started another number of processes."""
    for variable, starter, advice in (
        ("SLURM_NTASKS", "SLURM", "--ntasks-per-node must be devices, --nodes must be nodes"),
        ("WORLD_SIZE", "torchrun", "--nproc-per-node must be devices, --nnodes must be nodes"),
    ):
        interactive = os.environ.get("SLURM_JOB_NAME") in ("bash", "interactive")
        started_by = {
            "SLURM": "SLURM_PROCID" in os.environ and not interactive,
            "torchrun": "TORCHELASTIC_RUN_ID" in os.environ,
        }[starter]
        count = int(os.environ.get(variable, "1"))
        if started_by and count != world_of(config):
            raise InvalidConfig(
                f"{starter} runs {count} processes, but the run has {config.devices} devices on "
                f"each of {config.nodes} nodes; {advice}"
            )


def join_ranks(config: TrainingConfig) -> Fabric:
    """Return Fabric for a run whose processes are all there.

    Raises
    ------
    InvalidConfig
        If the run has several devices and its processes were not started.
    """
    if world_of(config) > 1 and not torch.distributed.is_initialized():
        raise InvalidConfig(
            f"a run on {world_of(config)} devices needs a process for each; start it with "
            "napari-toposeg on the command line, or take one device"
        )
    fabric = new_fabric(config)
    if world_of(config) > 1:
        fabric.launch()
    return fabric


def new_fabric(config: TrainingConfig) -> Fabric:
    """Choose device, precision and strategy: bf16 on a GPU by default, else full precision.

    Raises
    ------
    InvalidConfig
        If the device cannot compute so, or its number is given and the run has several.
    """
    device = resolve_device(config.device)
    kind, _, index = device.partition(":")
    precision = choose_precision(config.precision, kind)
    if precision == "16-mixed" and kind == "cpu":
        raise InvalidConfig("16-mixed needs a GPU, and the device is the cpu; use 32-true")
    if world_of(config) == 1:
        devices = [int(index)] if index else 1
        return Fabric(accelerator=kind, devices=devices, precision=precision)
    if ":" in config.device:
        raise InvalidConfig(
            f"{config.device} is one device and the run has {world_of(config)}; give the kind "
            f"({kind}) alone"
        )
    return Fabric(
        accelerator=kind,
        devices=config.devices,
        num_nodes=config.nodes,
        precision=precision,
        strategy=strategy_of(config, kind),
    )


def strategy_of(config: TrainingConfig, kind: str) -> Strategy:
    """Return how devices share the work."""
    if config.strategy != "fsdp":
        # An objective need not use every parameter at every step.
        return DDPStrategy(find_unused_parameters=True)
    if kind != "cuda":
        raise InvalidConfig(
            f"the strategy fsdp shards the network over GPUs, and the device is {kind}; use ddp"
        )
    return ModelParallelStrategy(shard, data_parallel_size=world_of(config), tensor_parallel_size=1)


def shard(network: nn.Module, mesh: DeviceMesh) -> nn.Module:
    """Spread parameters over the devices, block by block (FSDP2, arXiv:2304.11277)."""
    for block in blocks_of(network):
        fully_shard(block, mesh=mesh["data_parallel"])
    fully_shard(network, mesh=mesh["data_parallel"])
    return network


def mean_over_ranks(fabric: Fabric, values: Mapping[str, float]) -> dict[str, float]:
    """Return the means over all ranks of numbers that each has."""
    if fabric.world_size == 1:
        return dict(values)
    names = sorted(values)
    numbers = torch.tensor([values[name] for name in names], dtype=torch.float64)
    means = fabric.all_reduce(numbers, reduce_op="mean")
    return dict(zip(names, means.tolist(), strict=True))


def highest(number: int) -> int:
    """Return the highest of all ranks' numbers, such as of the signals that asked them to end."""
    if not torch.distributed.is_initialized():
        return number
    device = "cuda" if torch.distributed.get_backend() == "nccl" else "cpu"
    found = torch.tensor(number, device=device)
    torch.distributed.all_reduce(found, torch.distributed.ReduceOp.MAX)
    return int(found)
