"""The plan of a run: the settings that it uses, as they will be.

A config holds the settings of every objective, network and machine, so that one file repeats a run.
The plan, which a person reads before the run begins, leaves out those that change nothing in it.
"""

from collections.abc import Collection
from typing import Any

from napari_toposeg.config import FinetuneConfig, NetworkName, PretrainConfig, TopologyConfig
from napari_toposeg.learning.cards import Intensity
from napari_toposeg.learning.devices import choose_precision, resolve_device, threads_of
from napari_toposeg.learning.normalisation import CT_RANGE
from napari_toposeg.learning.ranks import world_of

TOPOLOGY = frozenset(name for name in TopologyConfig.model_fields if name.startswith("topology_"))
"""Settings of a topological term that every run with one can have."""

OF_PAIRS = frozenset({"spatial_consistency_weight", "reconstruction_consistency_weight"})
OF_TOPOMAE = (
    frozenset(name for name in PretrainConfig.model_fields if name.startswith("topology"))
    | OF_PAIRS
    | {"spatial_weight"}
)
OF_DINO = frozenset({"local_views", "koleo"})
OF_MASKS = frozenset({"mask_ratio", "cube"})
TEACHING = frozenset(
    {"teacher_weight", "teacher_certainty", "teacher_of", "mixed", "unlabelled", "unlabelled_ids"}
)
"""Settings of what a teacher tells."""
OF_PERSISTENCE = frozenset({"topology_tau", "topology_dimensions"})


def plan_pretraining(config: PretrainConfig, modalities: Collection[str]) -> dict[str, Any]:
    """Return the settings that a pretraining uses, by name.

    Parameters
    ----------
    config
        With all filled in that was left open.
    modalities
        Kinds of scans in the data.
    """
    unused = unused_by_objective(config) | unused_by_network(config.network)
    if config.validation:
        unused |= {"validation_share"}
    return plan_of(config, unused, config.intensity, modalities)


def plan_finetuning(
    config: FinetuneConfig, intensity: Intensity | None, modalities: Collection[str]
) -> dict[str, Any]:
    """Return the settings that a fine-tuning uses, by name; see `plan_pretraining`.

    Parameters
    ----------
    intensity
        As in the model's card.
    """
    unused = unused_by_network(config.network)
    unused |= unused_by_terms(config)
    unused |= {"minutes"} if config.freeze else {"minutes", "thaw"}
    unused |= unused_by_teacher(config)
    unused |= frozenset() if config.betti_weight else {"betti_weight", "wanted"}
    return plan_of(config, unused, intensity, modalities)


def plan_of(
    config: PretrainConfig | FinetuneConfig,
    unused: Collection[str],
    intensity: Intensity | None,
    modalities: Collection[str],
) -> dict[str, Any]:
    """Return what is used of a config, with what the machine settles."""
    settled = config.model_dump() | on_machine(config) | {"flips": config.flips or "none"}
    settled["patience"] = config.patience or None
    scaled = intensity == "z-score" or "CT" in modalities
    settled["intensity"] = (intensity or CT_RANGE) if scaled else None
    if config.optimiser != "adamw":
        settled["betas"] = None
    return {
        name: value
        for name, value in settled.items()
        if name not in unused and value is not None and value != ()
    }


def on_machine(config: PretrainConfig | FinetuneConfig) -> dict[str, Any]:
    """Return what device, precision, strategy and threads will be; None of what is not used."""
    device, several = resolve_device(config.device), world_of(config) > 1
    return {
        "device": device.partition(":")[0] if several else device,
        "precision": choose_precision(config.precision, device),
        "strategy": ("fsdp" if config.strategy == "fsdp" else "ddp") if several else None,
        "threads": threads_of(config.threads, config.devices),
    }


def unused_by_objective(config: PretrainConfig) -> frozenset[str]:
    """Return the settings that change nothing under an objective."""
    match config.objective:
        case "topomae":
            return OF_DINO | unused_by_topomae(config)
        case "mae" | "simmim" | "maskfeat":
            return OF_DINO | OF_TOPOMAE
        case "swin-ssl" | "disruptive":
            return OF_DINO | OF_TOPOMAE | OF_MASKS
        case "dino":
            return OF_TOPOMAE | OF_MASKS


def unused_by_topomae(config: PretrainConfig) -> frozenset[str]:
    """Return the settings of topomae's terms that change nothing where others are as they are."""
    unused = unused_by_term(config, config.topology)
    if config.topology_weight == 0:
        unused |= {"topology", "topology_region"}
    looks_for_tubes = config.topology == "cldice" or config.topology_region == "structures"
    if config.topology_weight == 0 or not looks_for_tubes:
        unused |= {"topology_scale"}
    if config.network != "fused":
        unused |= OF_PAIRS
    return unused | ({"spatial_consistency_weight"} if config.spatial_weight == 0 else frozenset())


def unused_by_teacher(config: FinetuneConfig) -> frozenset[str]:
    """Return the settings of the running mean and of its teaching that change nothing."""
    if not config.average:
        return TEACHING | {"average"}
    if not config.teacher_weight:
        return TEACHING
    idle = frozenset[str]() if config.mixed else frozenset({"mixed"})
    return idle | {"teacher_of" if config.unlabelled else "unlabelled"}


def unused_by_terms(config: FinetuneConfig) -> frozenset[str]:
    """Return the settings of topological terms that none of several makes use of."""
    each = [
        unused_by_term(config.model_copy(update={"topology_weight": term.weight}), term.name)
        for term in config.all_terms
    ]
    return frozenset.intersection(*each) if each else TOPOLOGY


def unused_by_term(config: TopologyConfig, name: str) -> frozenset[str]:
    """Return the settings of a topological term that the loss of this name does without."""
    if config.topology_weight == 0:
        return TOPOLOGY - {"topology_weight"}
    match name:
        case "critical-voxel" | "wasserstein" | "sliced" | "betti-curve" | "betti-matching":
            return frozenset()
        case _:
            return OF_PERSISTENCE


def unused_by_network(network: NetworkName | None) -> frozenset[str]:
    """Return the settings that change nothing of an architecture."""
    match network:
        case "vit" | "unetr" | "fused":
            return frozenset({"scales"})
        case "resenc-unet":
            return frozenset({"patch"})
        case _:
            return frozenset({"patch", "scales"})
