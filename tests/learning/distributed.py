"""Call a function in other processes: in several that work together, or in one that can be killed.

Those that work together do so by gloo, as devices of one machine do. Each has the environment that
torchrun gives, so that Fabric finds its ranks by itself.
"""

import multiprocessing
import os
import pickle
import socket
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from typing import Any

import torch
import torch.distributed
from torch.multiprocessing.spawn import start_processes

# A server that has imported torch once forks all processes of a session.
METHOD = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
PRELOADED = [
    "napari_toposeg.cli",
    "napari_toposeg.learning.pretrain",
    "napari_toposeg.learning.finetune",
]


def server() -> Any:
    """Return what starts processes, with all imported that runs need."""
    context = multiprocessing.get_context(METHOD)
    if METHOD == "forkserver":
        context.set_forkserver_preload(PRELOADED)
    return context


def started(function: Callable[..., Any], *arguments: Any) -> BaseProcess:
    """Start a process that calls a function of a module; it can be killed or sent signals."""
    process: BaseProcess = server().Process(target=function, args=arguments)
    process.start()
    return process


def in_processes(count: int, function: Callable[..., Any], *arguments: Any) -> list[Any]:
    """Return what ``function(*arguments)`` returns in each of the processes, by rank.

    Parameters
    ----------
    function
        A function of a module: it is pickled, and so are its arguments and its answer. It may
        start Fabric, or call torch.distributed, whose group of processes is ready.

    Raises
    ------
    torch.multiprocessing.ProcessRaisedException
        If it raises in any process, with the traceback.
    """
    answers = server().SimpleQueue()
    shared = (count, free_port(), answers, function, arguments)
    children = start_processes(in_one, shared, count, join=False, start_method=METHOD)
    found: dict[int, bytes] = {}
    ended = False
    while not ended:
        ended = children.join(timeout=0.02)
        while not answers.empty():
            found.update([answers.get()])
    return [pickle.loads(found[rank]) for rank in range(count)]


def in_one(
    rank: int,
    count: int,
    port: int,
    answers: Any,
    function: Callable[..., Any],
    arguments: tuple[Any, ...],
) -> None:
    """Be one of the processes."""
    os.environ |= {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "GROUP_RANK": "0",
        "WORLD_SIZE": str(count),
        "LOCAL_WORLD_SIZE": str(count),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "TORCHELASTIC_RUN_ID": "tests",
    }
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", rank=rank, world_size=count)
    try:
        # By value: a tensor's shared memory would go with its process.
        answers.put((rank, pickle.dumps(function(*arguments))))
    finally:
        torch.distributed.destroy_process_group()


def free_port() -> int:
    """Return a port that no process listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
