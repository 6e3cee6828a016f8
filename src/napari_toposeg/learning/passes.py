"""Passes: forward and backward of a network, which can be given up while they are computed.

The one idea: torch lets go of a pass at its end only, but asks hooks on its way. So a pass is
computed in a thread of its own while the run yields Steps; where the run is closed at one of them,
the hooks of the layers raise, and the pass ends at the next layer.
"""

from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from threading import Event
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from napari_toposeg.progress import Step

POLL_SECONDS = 0.05
"""Time between two Steps while a pass is computed."""

Result = TypeVar("Result")


class GivenUp(Exception):
    """The run was closed: raised in its pass, out of a hook."""


class Passes:
    """Computes the passes of a network, one after the other, in one thread.

    Parameters
    ----------
    network
        Its layers get hooks, which change no number. One that was compiled is to have none: they
        would take it apart; its passes come to their end.
    device
        Where it computes.

    Attributes
    ----------
    given_up
        Set while a pass is to end at its next layer.
    """

    def __init__(self, network: nn.Module, device: torch.device, *, compiled: bool = False) -> None:
        self.given_up = Event()
        # One thread for all passes: OpenMP keeps threads of its own for each that computes.
        self._thread = ThreadPoolExecutor(
            1, "passes", initializer=settle, initargs=(device, torch.get_num_threads())
        )
        for layer in () if compiled else layers_of(network):
            layer.register_forward_hook(new_hook(self.given_up))

    def follow(self, work: Callable[[], Result], piece: Step) -> Generator[Step, None, Result]:
        """Do some work on the network, yield a Step now and then, and return its result.

        Closed at such a Step, the work is over before this is left.

        Raises
        ------
        Exception
            Whatever the work raises.
        """
        future = self._thread.submit(work)
        try:
            while not wait([future], timeout=POLL_SECONDS).done:
                yield piece
        except BaseException:
            self.given_up.set()
            wait([future])
            self.given_up.clear()
            raise
        return future.result()

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown()


def settle(device: torch.device, threads: int) -> None:
    """Let a new thread compute as the one that made it: torch keeps these for each thread."""
    torch.set_num_threads(threads)
    if device.type == "cuda":
        torch.cuda.set_device(device)


def layers_of(network: nn.Module) -> Iterator[nn.Module]:
    """Yield the layers that take time: those with a matrix or a kernel, and nothing within."""
    for part in network.modules():
        own = part.parameters(recurse=False)
        if not any(True for _ in part.children()) and any(each.ndim > 1 for each in own):
            yield part


def new_hook(given_up: Event) -> Callable[[nn.Module, Any, Any], None]:
    """Return a hook for layers, which raises GivenUp, forward and backward, once it is to be.

    It is a function, as a network that is copied shares it: an Event cannot be copied.
    """

    def ask(_: object) -> None:
        if given_up.is_set():
            raise GivenUp

    def ask_both_ways(_layer: nn.Module, _inputs: object, answer: object) -> None:
        ask(answer)
        if isinstance(answer, Tensor) and answer.requires_grad:
            answer.register_hook(ask)  # type: ignore[no-untyped-call]

    return ask_both_ways
