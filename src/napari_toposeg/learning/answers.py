"""Answers: the class probabilities that a network gives of windows, as a prediction asks for them.

In 16 bits where the device is faster for it, and averaged over mirrored views where wanted.
"""

# B windows, C channels, K classes with background

from collections.abc import Callable
from itertools import combinations

import torch
from torch import Tensor, nn

from napari_toposeg.config import Flips, PrecisionName

Ask = Callable[[Tensor], Tensor]

AXES = {"z": 2, "y": 3, "x": 4}
WINDOWS_ON_GPU, WINDOWS_ON_CPU = 4, 2
"""At once. On one thread, torch computes convolutions of a single window up to 3 times slower."""

TYPES = {"bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}


def asked(
    network: nn.Module, device: str, flips: Flips = "", precision: PrecisionName = "auto"
) -> Ask:
    """Return what gives probabilities ``(B, K, z, y, x)`` of windows ``(B, C, z, y, x)``.

    Parameters
    ----------
    flips
        Axes along which windows are mirrored too: their 2, 4 or 8 views are averaged. Not for
        models whose classes tell sides apart.
    precision
        See `prediction_precision`.
    """
    arithmetic = TYPES.get(prediction_precision(precision, device))
    kind = torch.device(device).type
    views = mirrored_axes(flips)

    def probabilities(windows_BCZYX: Tensor) -> Tensor:
        with torch.autocast(kind, arithmetic, enabled=arithmetic is not None):
            seen = [
                network(windows_BCZYX.flip(axes)).float().softmax(1).flip(axes) for axes in views
            ]
        return seen[0] if len(seen) == 1 else torch.stack(seen).mean(0)

    return probabilities


def mirrored_axes(flips: Flips) -> list[tuple[int, ...]]:
    """Return the axes of each view of a window ``(B, C, z, y, x)``; of the first, none."""
    axes = [AXES[name] for name in flips]
    return [chosen for count in range(len(axes) + 1) for chosen in combinations(axes, count)]


def prediction_precision(precision: PrecisionName, device: str) -> PrecisionName:
    """Return the arithmetic of a prediction.

    ``"auto"``: bf16 on a CUDA GPU and on CPUs that have instructions for it, else full precision.
    Forward passes are exact to bf16 on CPUs too; what torch 2.13 has wrong there are gradients.
    """
    if precision != "auto":
        return precision
    return "bf16-mixed" if computes_in_bf16(device) else "32-true"


def computes_in_bf16(device: str) -> bool:
    """Tell whether a device has instructions for bfloat16."""
    if device.startswith("cuda"):
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device != "cpu":
        return False
    # Before 2.10, torch does not tell.
    abilities: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(abilities.get("avx512_bf16") or abilities.get("amx_bf16"))


def planned_batch(batch: int, device: str) -> int:
    """Return how many windows a network is given at once; 0: planned by the device."""
    if batch:
        return batch
    return WINDOWS_ON_CPU if device == "cpu" else WINDOWS_ON_GPU
