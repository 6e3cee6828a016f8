"""What a run used is given back, and an error does not hold on to it."""

import gc
from weakref import ref

from napari_toposeg.plugin.memory import forget_locals, give_back_memory, set_apart


class Network:
    """Something large that refers to itself."""

    def __init__(self) -> None:
        self.me = self


def test_circles_that_came_after_are_collected_and_nothing_stays_set_apart() -> None:
    gc.disable()
    try:
        set_apart()
        assert gc.get_freeze_count()
        network = Network()
        alive = ref(network)
        del network
        assert alive() is not None
        give_back_memory()
    finally:
        gc.enable()
    assert alive() is None
    assert gc.get_freeze_count() == 0


def test_an_error_that_is_kept_lets_go_of_what_its_functions_held() -> None:
    held = []

    def train() -> None:
        network = Network()
        held.append(ref(network))
        raise RuntimeError("failed")

    try:
        try:
            train()
        except RuntimeError as cause:
            raise ValueError("translated") from cause
    except ValueError as error:
        kept = error
    forget_locals(kept)
    gc.collect()
    assert held[0]() is None
    assert kept.__cause__.__traceback__ is not None
