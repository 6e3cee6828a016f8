"""Sliding windows: the values of MONAI's, whatever is batched, shared or kept elsewhere."""

import pytest
import torch
from monai.inferers import sliding_window_inference
from torch import nn

from napari_toposeg.learning.windows import places, slide, strides
from napari_toposeg.progress import finish

WINDOW = (12, 10, 8)


class Counting(nn.Module):
    """A network that sees its whole window, and counts the windows that it was given."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(
            nn.Conv3d(2, 4, 3, padding=1), nn.InstanceNorm3d(4), nn.GELU(), nn.Conv3d(4, 3, 1)
        )
        self.windows, self.largest = 0, 0

    def forward(self, windows_BCZYX):
        self.windows += len(windows_BCZYX)
        self.largest = max(self.largest, len(windows_BCZYX))
        return self.layers(windows_BCZYX)


def swept(image, network, overlap=0.25, **settings):
    stride = strides(WINDOW, overlap)
    return finish(slide(image, WINDOW, network, stride=stride, message="", **settings))


def image_of(shape, seed=1):
    return torch.rand((1, 2, *shape), generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("shape", [WINDOW, (13, 10, 20), (30, 25, 17)])
@pytest.mark.parametrize("overlap", [0.0, 0.25, 0.5])
@pytest.mark.parametrize("batch", [1, 4])
def test_values_are_those_of_monai(shape, overlap, batch):
    image, network = image_of(shape), Counting()
    with torch.inference_mode():
        wanted = sliding_window_inference(image, WINDOW, 2, network, overlap, mode="gaussian")
    found = swept(image, network, overlap, batch=batch)
    torch.testing.assert_close(found, wanted[0], atol=1e-5, rtol=1e-5)


def test_a_small_volume_is_padded_at_its_far_ends():
    image, network = image_of((5, 10, 6)), Counting()
    padded = nn.functional.pad(image, (0, 2, 0, 0, 0, 7))
    whole = network(padded)[0, :, :5, :, :6].detach()
    torch.testing.assert_close(swept(image, network), whole, atol=1e-5, rtol=1e-5)


def test_windows_of_one_grey_value_are_asked_once_and_answered_the_same():
    image = torch.zeros((1, 2, 48, 30, 24))
    image[:, :, :14] = image_of((14, 30, 24))
    network, plain = Counting(), Counting()
    found = swept(image, network)
    with torch.inference_mode():
        wanted = sliding_window_inference(image, WINDOW, 1, plain, 0.25, mode="gaussian")[0]
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)
    air = [place for place in places((48, 30, 24), WINDOW, strides(WINDOW, 0.25)) if
           place[0].start >= 14]  # fmt: skip
    assert plain.windows - network.windows == len(air) - 1 > 10


def test_a_window_that_differs_by_one_voxel_is_looked_at():
    image = torch.zeros((1, 2, 24, 10, 8))
    image[0, 1, 17, 3, 5] = 1e-3
    network = Counting()
    swept(image, network, overlap=0.0)
    assert network.windows == 2
    # So is one in which the channels are constant, but other constants than elsewhere.
    image = torch.zeros((1, 2, 24, 10, 8))
    image[:, 1, 12:] = 1e-3
    network = Counting()
    swept(image, network, overlap=0.0)
    assert network.windows == 2


def test_windows_of_nearly_one_grey_value_share_an_answer_on_demand():
    image = 0.01 * image_of((48, 30, 24))
    image[:, :, :14] = image_of((14, 30, 24))
    image[:, :, 36:] += 0.5
    asked = []

    def same(windows):
        asked.extend(windows)
        return windows

    exact, few = (swept(image, same, overlap=0.0, span=span) for span in (0.0, 0.02))
    torch.testing.assert_close(exact, image[0], atol=1e-6, rtol=0)
    # Two layers of windows hold structure, one is of the lower level and one of the higher.
    layer = len(places((12, 30, 24), WINDOW, WINDOW))
    assert len(asked) == 4 * layer + 2 * layer + 2
    assert 0.001 < (few - exact).abs().max() <= 0.02


def test_sums_may_be_kept_on_the_cpu():
    image, network = image_of((30, 25, 17)), Counting()
    here, there = (swept(image, network, home=home) for home in ("device", "cpu"))
    torch.testing.assert_close(here, there, rtol=0, atol=0)
    assert there.device.type == "cpu"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU")
def test_a_volume_larger_than_the_gpu_gives_the_same():
    image, network = image_of((30, 25, 17)), Counting().cuda()
    here, there = (
        swept(image, network, home=home, device="cuda", batch=4) for home in ("device", "cpu")
    )
    assert (here.device.type, there.device.type) == ("cuda", "cpu")
    torch.testing.assert_close(here.cpu(), there, atol=1e-5, rtol=1e-5)


def test_what_the_device_has_no_room_for_is_kept_on_the_cpu(monkeypatch):
    from napari_toposeg.learning.windows import home_of

    gpu = torch.device("cuda", 0)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (1000, 4000))
    assert home_of(gpu, "auto", 799, 0.8) == gpu
    assert home_of(gpu, "auto", 801, 0.8) == torch.device("cpu")
    assert home_of(gpu, "device", 10**9, 0.8) == gpu
    assert home_of(gpu, "cpu", 1, 0.8) == torch.device("cpu")
    assert home_of(torch.device("cpu"), "auto", 10**12, 0.8) == torch.device("cpu")


def test_a_full_device_is_given_fewer_windows_at_once():
    image, network = image_of((30, 25, 17)), Counting()

    def small(windows):
        if len(windows) > 2:
            raise torch.OutOfMemoryError("out of memory")
        return network(windows)

    torch.testing.assert_close(
        swept(image, small, batch=8), swept(image, network), atol=1e-5, rtol=1e-5
    )

    def full(windows):
        raise torch.OutOfMemoryError("out of memory")

    with pytest.raises(torch.OutOfMemoryError):
        swept(image, full, batch=8)


def test_each_window_is_a_step_and_cancelling_asks_no_more():
    image, network = image_of((30, 25, 17)), Counting()
    stride = strides(WINDOW, 0.25)
    count = len(places((30, 25, 17), WINDOW, stride))
    steps = list(slide(image, WINDOW, network, stride=stride, message="", batch=4))
    assert [(step.step, step.total) for step in steps] == [(n + 1, count) for n in range(count)]
    network.windows = 0
    run = slide(image, WINDOW, network, stride=stride, message="", batch=4)
    next(run)
    run.close()
    assert network.windows == 4
