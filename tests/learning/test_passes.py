"""Passes that are given up: they end at the next layer, and no number of the run changes."""

import copy
from threading import Event

import pytest
import torch
from torch import nn

from napari_toposeg.errors import OutOfMemory
from napari_toposeg.learning import engine, passes
from napari_toposeg.learning.cards import read_header
from napari_toposeg.learning.devices import memory_errors_explained
from napari_toposeg.learning.networks.blocks import compute_anew
from napari_toposeg.learning.passes import Passes, layers_of
from napari_toposeg.learning.pretrain import pretrain
from napari_toposeg.progress import Step, finish

PIECE = Step(0, 1, message="training")
DEPTH = 6


@pytest.fixture(autouse=True)
def steps_at_once(monkeypatch):
    """Yield Steps in passes that are too short for one, too."""
    monkeypatch.setattr(passes, "POLL_SECONDS", 0.001)


class Hold:
    """A hook that holds a pass, once it is armed, until it is to be given up."""

    def __init__(self) -> None:
        self.armed, self.reached = Event(), Event()
        self.passes: Passes | None = None

    def __call__(self, *_: object) -> None:
        if self.armed.is_set() and self.passes is not None:
            self.reached.set()
            assert self.passes.given_up.wait(60)

    def backward(self, _layer: object, _inputs: object, answer: torch.Tensor) -> None:
        """Be a hook of a layer that holds the backward pass before it."""
        if answer.requires_grad:
            answer.register_hook(lambda _: self())

    def close(self, run) -> None:
        """Close a run in the pass that is held."""
        self.armed.set()
        while not self.reached.is_set():
            next(run)
        run.close()
        self.armed.clear()


class Stack(nn.Module):
    """Linear layers, one after the other."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.blocks = nn.ModuleList(nn.Sequential(nn.Linear(4, 4)) for _ in range(DEPTH))

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        for block in self.blocks:
            values = block(values)
        return values


@pytest.fixture
def held() -> tuple[Stack, Hold]:
    network, hold = Stack(), Hold()
    hold.passes = Passes(network, torch.device("cpu"))
    return network, hold


def learn(network: nn.Module) -> None:
    network(torch.ones(1, 4)).sum().backward()


def learned(network: Stack) -> list[bool]:
    return [block[0].weight.grad is not None for block in network.blocks]


def test_layers_are_those_with_a_matrix_or_a_kernel():
    network = nn.Sequential(nn.Conv3d(1, 2, 1), nn.InstanceNorm3d(2, affine=True), nn.GELU())
    assert list(layers_of(network)) == [network[0]]


@pytest.mark.parametrize("anew", [False, True])
def test_a_backward_pass_that_is_given_up_ends_before_the_next_layer(held, anew):
    network, hold = held
    if anew:
        compute_anew(network)
    network.blocks[3][0].register_forward_hook(hold.backward)
    hold.close(hold.passes.follow(lambda: learn(network), PIECE))
    # It is held before the fourth layer, which may be computed yet, but no further one.
    assert learned(network)[:3] == [False] * 3
    assert learned(network)[4:] == [True] * 2


def test_a_forward_pass_that_is_given_up_ends_before_the_next_layer(held):
    network, hold = held
    called = []
    for block in network.blocks:
        block[0].register_forward_pre_hook(lambda layer, _: called.append(layer))
    network.blocks[3][0].register_forward_pre_hook(hold)
    hold.close(hold.passes.follow(lambda: learn(network), PIECE))
    assert called == [block[0] for block in network.blocks[:4]]


def test_what_was_given_up_is_done_anew_to_the_same_numbers(held):
    network, hold = held
    twin = Stack()
    learn(twin)
    network.blocks[3][0].register_forward_hook(hold.backward)
    hold.close(hold.passes.follow(lambda: learn(network), PIECE))
    network.zero_grad()
    finish(hold.passes.follow(lambda: learn(network), PIECE))
    for ours, theirs in zip(network.parameters(), twin.parameters(), strict=True):
        assert torch.equal(ours.grad, theirs.grad)


def test_an_error_of_a_pass_is_told_as_it_is(held):
    def fill() -> None:
        raise RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")

    with pytest.raises(OutOfMemory, match="Tried to allocate"), memory_errors_explained():
        finish(held[1].passes.follow(fill, PIECE))


def test_a_pass_computes_on_as_many_threads_as_who_made_it():
    torch.set_num_threads(2)
    made = Passes(Stack(), torch.device("cpu"))
    torch.set_num_threads(1)
    assert finish(made.follow(torch.get_num_threads, PIECE)) == 2


def test_a_copy_of_the_network_can_be_made_and_computes_the_same(held):
    network, _ = held
    values = torch.ones(1, 4)
    assert torch.equal(copy.deepcopy(network)(values), network(values))


@pytest.mark.parametrize(
    "changes",
    [
        {"objective": "mae"},
        {"objective": "topomae"},
        {"objective": "dino"},
        {"objective": "mae", "checkpointing": True},
        {"objective": "mae", "precision": "bf16-mixed"},
    ],
    ids=["mae", "topomae", "dino", "checkpointing", "bf16"],
)
def test_a_run_closed_in_a_backward_pass_resumes_to_the_numbers_of_one_never_stopped(
    small_run, tmp_path, monkeypatch, changes
):
    config = small_run.model_copy(update=changes)
    whole = [step.losses for step in pretrain(to(config, tmp_path / "whole")) if step.losses]
    hold, begin = Hold(), engine.begin

    def begin_held(*given):
        descent = begin(*given)
        hold.passes = descent.passes
        layers = [each for each in layers_of(descent.task.network) if each.weight.requires_grad]
        layers[len(layers) // 2].register_forward_hook(hold.backward)
        return descent

    with monkeypatch.context() as patch:
        patch.setattr(engine, "begin", begin_held)
        run = pretrain(config)
        told: list[Step] = []
        while len(told) < 3:
            told += [step for step in [next(run)] if step.losses]
        hold.close(run)
    assert read_header(config.output / "last.safetensors")["step"] == "3"
    resumed = pretrain(config.model_copy(update={"resume": True}))
    rest = [step.losses for step in resumed if step.losses]
    assert [step.losses for step in told] + rest == whole


def to(config, folder):
    """Return the settings of a run that is written elsewhere."""
    return config.model_copy(update={"output": folder})
