"""A step of the masked autoencoder beside MONAI's of the same width, with the same loss.

Both hide three quarters of 96^3 voxels in patches of 16, see the same batch, and take a whole step:
forward, squared error on the hidden patches, backward, AdamW (fused, both). On the CPU MONAI's runs
in float32, ours in float32 and in bf16, under which MONAI's stops with an error; on a GPU ours in
bf16, and MONAI's in the better of float32 with TF32 and fp16 autocast.
"""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from monai.networks.nets import MaskedAutoEncoderViT
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.row import Row
from napari_toposeg.config import NetworkConfig, SizeName
from napari_toposeg.learning.losses.masked import masked_squared_error
from napari_toposeg.learning.networks import build_autoencoder, width_of
from napari_toposeg.learning.objectives.masked import draw_hidden_each
from napari_toposeg.learning.patches import to_patches

EDGE, PATCH, RATIO = 96, 16, 0.75
PATCHES = (EDGE // PATCH) ** 3
RATE = 1e-4
WANTED_CPU, WANTED_GPU, WANTED_SHARE = 1.3, 3.0, 0.35
NAMES: dict[SizeName, str] = {"small": "ViT-S", "base": "ViT-B"}


@dataclass
class Stepper:
    """A network, its optimiser, and how its loss is computed."""

    network: nn.Module
    loss: Callable[[Tensor], Tensor]
    precision: torch.dtype = torch.float32

    def __post_init__(self) -> None:
        self.network.train()
        # Both with the fused optimiser, as our engine has it.
        self.optimiser = torch.optim.AdamW(
            self.network.parameters(), lr=RATE, weight_decay=0.05, fused=True
        )
        self.scaler = torch.amp.GradScaler(enabled=self.precision == torch.float16)

    def __call__(self, image: Tensor) -> float:
        """Take a step and return its seconds."""
        began = time.perf_counter()
        with torch.autocast(image.device.type, self.precision, self.precision != torch.float32):
            loss = self.loss(image)
        self.optimiser.zero_grad()
        self.scaler.scale(loss).backward()
        self.scaler.step(self.optimiser)
        self.scaler.update()
        if image.is_cuda:
            torch.cuda.synchronize()
        return time.perf_counter() - began


def rows(*, quick: bool) -> Iterator[Row]:
    """Measure both sizes on the CPU, and on a GPU where there is one."""
    for size in NAMES:
        yield from on_cpu(size, quick)
    if torch.cuda.is_available():
        for size in NAMES:
            yield from on_gpu(size, quick)


def on_cpu(size: SizeName, quick: bool) -> Iterator[Row]:
    """Measure a size on the CPU, in full precision and, ours alone, in bf16."""
    image = torch.rand(2, 1, EDGE, EDGE, EDGE, generator=torch.Generator().manual_seed(0))
    runs = {"float32": ours(size), "bf16": ours(size, torch.bfloat16), "MONAI": monai(size)}
    seconds = alternate(runs, image, rounds=3 if quick else 12)
    what = f"a step of {NAMES[size]}, {EDGE}^3, patch {PATCH}, batch {len(image)}, CPU"
    counts = [flops(runs[name], image[:1]) / 1e9 for name in ("float32", "MONAI")]
    note = (
        f"{torch.get_num_threads()} threads; MONAI's in float32; {counts[0]:.1f} GFLOP a crop "
        f"for {counts[1]:.1f}"
    )
    for name in ("float32", "bf16"):
        yield Row(
            f"{what}, {name}", seconds[name], "MONAI MaskedAutoEncoderViT", seconds["MONAI"],
            WANTED_CPU, note,
        )  # fmt: skip


def on_gpu(size: SizeName, quick: bool) -> Iterator[Row]:
    """Measure a size on the GPU, the batch filling it, and how busy ours keeps its matrix units."""
    runs = {"ours": ours(size, torch.bfloat16, "cuda")}
    for precision in (torch.float32, torch.float16):
        runs[f"MONAI {precision}".replace("torch.", "")] = monai(size, precision, "cuda")
    torch.set_float32_matmul_precision("high")
    batch = fitting(list(runs.values()))
    image = torch.rand(batch, 1, EDGE, EDGE, EDGE, device="cuda")
    seconds = alternate(runs, image, rounds=3 if quick else 12)
    rival = min((name for name in runs if name != "ours"), key=lambda name: seconds[name])
    what = f"a step of {NAMES[size]}, {EDGE}^3, patch {PATCH}, batch {batch}, GPU, bf16"
    yield Row(what, seconds["ours"], rival, seconds[rival], WANTED_GPU)
    share = flops(runs["ours"], image) / seconds["ours"] / matrix_rate()
    busy = f"{share:.0%} of the measured rate of bf16 matrix products; wanted {WANTED_SHARE:.0%}"
    ideal = seconds["ours"] * share
    yield Row(f"{what}: matrix units", seconds["ours"], "ideal", ideal, WANTED_SHARE, busy)


def fitting(runs: Sequence[Stepper]) -> int:
    """Return the largest power of two of crops that all runs can take in a step."""
    batch = 8
    while True:
        image = torch.rand(2 * batch, 1, EDGE, EDGE, EDGE, device="cuda")
        try:
            for run in runs:
                run(image)
        except torch.OutOfMemoryError:
            torch.cuda.empty_cache()
            return batch
        batch *= 2


def flops(run: Stepper, image: Tensor) -> float:
    """Count the floating point operations of forward and backward."""
    with FlopCounterMode(display=False) as counter:
        run.loss(image).backward()
    return float(counter.get_total_flops())


def matrix_rate(edge: int = 8192, repeats: int = 20) -> float:
    """Measure the floating point operations a second of square bf16 matrix products."""
    a, b = (torch.rand(edge, edge, device="cuda", dtype=torch.bfloat16) for _ in range(2))
    torch.mm(a, b)
    torch.cuda.synchronize()
    began = time.perf_counter()
    for _ in range(repeats):
        torch.mm(a, b)
    torch.cuda.synchronize()
    return 2 * edge**3 * repeats / (time.perf_counter() - began)


def ours(size: SizeName, precision: torch.dtype = torch.float32, device: str = "cpu") -> Stepper:
    """Return our autoencoder."""
    network = build_autoencoder(NetworkConfig(name="vit", size=size, patch=PATCH)).to(device)
    steps = iter(range(10**9))

    def loss(image: Tensor) -> Tensor:
        hidden = draw_hidden_each(0, next(steps), range(len(image)), PATCHES, RATIO)
        rebuilt = network(image, hidden.to(device, non_blocking=True))
        counted = torch.ones_like(rebuilt.true_BMV, dtype=torch.bool)
        return masked_squared_error(rebuilt.predicted_BMV, rebuilt.true_BMV, counted)

    return Stepper(network, loss, precision)


def monai(size: SizeName, precision: torch.dtype = torch.float32, device: str = "cpu") -> Stepper:
    """Return MONAI's of the same widths."""
    width = width_of(size)
    network = MaskedAutoEncoderViT(
        in_channels=1,
        img_size=EDGE,
        patch_size=PATCH,
        hidden_size=width.dimension,
        mlp_dim=4 * width.dimension,
        num_layers=width.depth,
        num_heads=width.heads,
        masking_ratio=RATIO,
        decoder_hidden_size=width.decoder_dimension,
        decoder_mlp_dim=4 * width.decoder_dimension,
        decoder_num_layers=width.decoder_depth,
        decoder_num_heads=width.decoder_heads,
        qkv_bias=True,
    ).to(device)

    def loss(image: Tensor) -> Tensor:
        predicted, hidden = network(image)
        true = to_patches(image, PATCH)
        return masked_squared_error(predicted, true, hidden[:, :, None].expand_as(true))

    return Stepper(network, loss, precision)


def alternate(runs: dict[str, Stepper], image: Tensor, rounds: int) -> dict[str, float]:
    """Return the median seconds of each run, a step of each in turn; the first two do not count."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds + 2):
        for name, run in runs.items():
            times[name].append(run(image))
    return {name: statistics.median(seconds[2:]) for name, seconds in times.items()}
