"""The variants of topomae that are compared, as settings that differ from a common base."""

Settings = dict[str, object]
CUBE, RATIO = 4, 0.6
BASE: Settings = {
    "objective": "topomae",
    "network": "resenc-unet",
    "size": "nano",
    "patch": CUBE,
    "cube": CUBE,
    "crop": (24, 24, 24),
    "mask_ratio": RATIO,
    "batch": 2,
    "rotation": 0.0,
    "scale": 1.0,
    "topology_block": 24,
    "spatial_weight": 0.0,
    "threads": 1,
    "learning_rate": 2e-3,
}
OFF: Settings = {"topology_weight": 0.0}
TERMS: dict[str, Settings] = {
    "squared error alone": OFF,
    "DoG-weighted error (control)": {"topology": "dog"},
    "histogram (control)": {"topology": "histogram"},
    "critical-voxel": {"topology": "critical-voxel"},
    "wasserstein": {"topology": "wasserstein"},
    "sliced": {"topology": "sliced"},
    "betti-curve": {"topology": "betti-curve"},
    "betti-matching": {"topology": "betti-matching"},
    "cldice": {"topology": "cldice"},
}
PAIR: Settings = {
    "network": "fused",
    "patch": 8,
    "cube": 8,
    "crop": (16, 32, 32),
    "topology_block": 32,
}
PARTS: dict[str, Settings] = {
    "UNETR++ alone": {**PAIR, **OFF, "network": "unetr-pp"},
    "ViT and UNETR++, no consistency": {
        **PAIR, **OFF, "spatial_consistency_weight": 0.0,
        "reconstruction_consistency_weight": 0.0,
    },
    "with reconstruction consistency": {**PAIR, **OFF, "spatial_consistency_weight": 0.0},
    "with the spatial pretext": {
        **PAIR, **OFF, "spatial_weight": 0.1, "spatial_consistency_weight": 0.0,
        "reconstruction_consistency_weight": 0.0,
    },
    "all": {**PAIR, "spatial_weight": 0.1},
}  # fmt: skip

SEARCHED_TERM = "betti-matching"
SEARCHED: dict[str, Settings] = {
    "weight 1": {"topology_weight": 1.0},
    "weight 3": {"topology_weight": 3.0},
    "weight 1, every crop": {"topology_weight": 1.0, "topology_crops": 2},
    "weight 1, late": {"topology_weight": 1.0, "topology_schedule": "late"},
    "weight 1, no blur": {"topology_weight": 1.0, "topology_smoothing": 0.0},
    "weight 1, persistence 0.02": {"topology_weight": 1.0, "topology_tau": 0.02},
}
"""Settings among which the one that helps was looked for."""

SEARCH: dict[str, Settings] = {"squared error alone": OFF} | {
    f"{SEARCHED_TERM}, {name}": {"topology": SEARCHED_TERM} | settings
    for name, settings in SEARCHED.items()
}

FOUND: Settings = {"topology_weight": 1.0, "topology_crops": 2}
"""The setting that the search chose: the lowest Betti errors without a lower precision."""

CONFIRMED: dict[str, Settings] = {"squared error alone": OFF} | {
    f"{term}, weight 1, every crop": {"topology": term} | FOUND
    for term in ("dog", "critical-voxel", SEARCHED_TERM)
}
