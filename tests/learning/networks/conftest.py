"""Names of MONAI's networks as ours, for the tests that hold one against the other."""

import pytest
import torch


def vit_of_monai(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Name a ViT of MONAI's as ours; its attention has no bias."""
    named = {}
    for name, tensor in state.items():
        if "cross_attn" in name:
            continue
        ours = (
            name.replace("patch_embedding.position_embeddings", "positions")
            .replace("patch_embedding.patch_embeddings", "embed")
            .replace("attn.qkv", "qkv")
            .replace("attn.out_proj", "project")
            .replace("mlp.linear1", "perceptron.0")
            .replace("mlp.linear2", "perceptron.2")
            .replace("norm1", "norm_attention")
            .replace("norm2", "norm_perceptron")
        )
        named[ours] = tensor
        if ours.endswith("qkv.weight"):
            named[ours.replace("weight", "bias")] = torch.zeros(len(tensor))
    named["positions"] = named["positions"][0]
    named["embed.weight"] = named["embed.weight"].flatten(1)
    return named


@pytest.fixture
def of_monai():
    """What names a state of MONAI's ViT as ours."""
    return vit_of_monai
