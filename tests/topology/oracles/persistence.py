"""Images of every sort, and their diagrams by GUDHI and by CubicalRipser."""

import cripser
import gudhi
import numpy as np
from scipy import ndimage

KINDS = (
    "float32",
    "float64",
    "float16",
    "smooth",
    "smooth float64",
    "uint8 ties",
    "int16 ties",
    "binary",
    "constant",
    "limits of int8",
    "limits of uint16",
    "int32",
    "uint64",
    "signed zeros",
)


def draw_image(random: np.random.Generator, most_2d: int, most_3d: int) -> tuple[str, np.ndarray]:
    """Draw a kind and an image of it: 2D or 3D, odd-shaped, in one case of four one voxel thin."""
    ndim = int(random.integers(2, 4))
    most = most_2d if ndim == 2 else most_3d
    # Small sizes are drawn as often as large ones: they have the strange cases.
    shape = [int(most ** random.random() + 0.5) for _ in range(ndim)]
    if random.random() < 0.25:
        shape[random.integers(ndim)] = 1
    kind = KINDS[random.integers(len(KINDS))]
    image = draw_kind(kind, tuple(shape), random)
    return kind, image


def draw_kind(kind: str, shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
    match kind:
        case "float16" | "float32" | "float64":
            return random.standard_normal(shape).astype(kind)
        case "smooth" | "smooth float64":
            field = ndimage.gaussian_filter(random.standard_normal(shape), random.uniform(0.5, 2))
            return field if "64" in kind else field.astype(np.float32)
        case "uint8 ties":
            return random.integers(0, random.integers(2, 9), shape).astype(np.uint8)
        case "int16 ties":
            return random.integers(-3, 4, shape).astype(np.int16)
        case "binary":
            return random.random(shape) < random.random()
        case "constant":
            return np.full(shape, 3, np.float32)
        case "limits of int8":
            return random.choice(np.array([-128, -127, 0, 126, 127], np.int8), shape)
        case "limits of uint16":
            return random.choice(np.array([0, 1, 65534, 65535], np.uint16), shape)
        case "int32":
            return random.integers(-(2**31), 2**31, shape).astype(np.int32)
        case "uint64":
            return random.integers(0, 2**53, shape).astype(np.uint64)
        case _:
            return random.choice(np.array([-1, -0.0, 0.0, 1], np.float32), shape)


def gudhi_diagram(image: np.ndarray, construction: str, superlevel: bool) -> list[np.ndarray]:
    """Return for each dimension the sorted ``(n, 2)`` births and deaths by GUDHI."""
    values = image.astype(np.float64) * (-1 if superlevel else 1)
    name = "top_dimensional_cells" if construction == "T" else "vertices"
    cells = gudhi.CubicalComplex(**{name: values})
    cells.compute_persistence(homology_coeff_field=2)
    diagram = [cells.persistence_intervals_in_dimension(k) for k in range(image.ndim)]
    return [in_order(d.reshape(-1, 2), superlevel) for d in diagram]


def ripser_diagram(image: np.ndarray, construction: str, superlevel: bool) -> list[np.ndarray]:
    """Return the same by CubicalRipser, which gives the essential class a huge death."""
    values = image.astype(np.float64) * (-1 if superlevel else 1)
    compute = cripser.computePH_T if construction == "T" else cripser.computePH
    table = compute(values, maxdim=image.ndim - 1)
    table = table[table[:, 1] != table[:, 2]]
    pairs = np.where(table[:, 1:3] > 1e300, np.inf, table[:, 1:3])
    return [in_order(pairs[table[:, 0] == k], superlevel) for k in range(image.ndim)]


def in_order(pairs: np.ndarray, superlevel: bool) -> np.ndarray:
    pairs = pairs * (-1.0 if superlevel else 1.0)
    return pairs[np.lexsort(pairs.T)]
