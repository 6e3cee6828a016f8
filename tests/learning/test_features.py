"""Features of whole volumes: where they are, and that windows leave no trace."""

import csv

import numpy as np
import pytest
import torch
from torch import nn

from napari_toposeg.config import NetworkConfig, PredictConfig
from napari_toposeg.errors import InvalidConfig
from napari_toposeg.learning.cards import Card
from napari_toposeg.learning.checkpoints import Model, save_checkpoint
from napari_toposeg.learning.features import encode_with, slide_features
from napari_toposeg.learning.networks import build
from napari_toposeg.learning.networks.encoder import Encoder, EncoderOnly
from napari_toposeg.learning.predict import predict
from napari_toposeg.volume import Volume


class Averages(Encoder):
    """An encoder whose features are the means of cubes, which no window changes."""

    widths, strides, multiple = (1,), ((4, 4, 4),), (4, 4, 4)

    def forward(self, image_BCZYX, hidden_B1zyx=None):
        return [nn.functional.avg_pool3d(image_BCZYX, 4)]


def card_of(task="encode", **network):
    return Card(
        name="small", task=task, network=NetworkConfig(size="nano", **network), crop=(12, 12, 12),
        spacing=(2.0, 2.0, 2.0), classes=("ball",) if task == "segment" else (),
    )  # fmt: skip


def result_of(run):
    while True:
        try:
            next(run)
        except StopIteration as stop:
            return stop.value


def test_features_are_those_of_one_look_at_the_whole():
    image = torch.rand(1, 1, 20, 28, 8)
    found = result_of(slide_features(image, Averages(), (12, 12, 8)))
    torch.testing.assert_close(found, nn.functional.avg_pool3d(image, 4)[0])


def test_a_volume_of_one_window_gives_what_the_encoder_gives():
    torch.manual_seed(0)
    encoder = build(NetworkConfig(size="nano"), task="encode").encoder.eval()
    image = torch.rand(1, 1, 12, 12, 12)
    found = result_of(slide_features(image, encoder, (12, 12, 12)))
    torch.testing.assert_close(found, encoder(image)[-1][0].detach())


def test_the_affine_tells_where_each_feature_is():
    spacing = np.diag([2.0, 2.0, 2.0, 1.0])
    spacing[:3, 3] = (10.0, 20.0, 30.0)
    z, y, x = np.meshgrid(*(np.arange(n) for n in (8, 12, 16)), indexing="ij")
    network = EncoderOnly(Averages())
    for axis, index in enumerate((x, y, z)):
        volume = Volume(index.astype(np.float32), spacing, modality="MR")
        found = result_of(encode_with(volume, Model(network, card_of(), "cpu")))
        # Feature (z, y, x) of an image that is the voxel's own index: the normalised mean index.
        low, high = np.percentile(volume.voxels, (0.5, 99.5))
        seen = found.features[0, 1, 1, 1] * (high - low) + low
        place = (found.affine @ (1, 1, 1, 1))[axis]
        assert place == pytest.approx(2 * seen + spacing[axis, 3])


def test_predict_writes_features_of_any_model(scans, tmp_path):
    for task in ("encode", "reconstruct", "segment"):
        card = card_of(task)
        path = tmp_path / f"{task}.safetensors"
        weights = build(card.network, task=task, classes=len(card.classes)).state_dict()
        save_checkpoint(path, weights, card)
        output = tmp_path / task
        config = PredictConfig.create(
            model=str(path), images=(scans,), output=output, features=True, threads=1, device="cpu"
        )
        names = {file.name for file in result_of(predict(config)).files}
        labels = {"scan.nii.gz"} if task == "segment" else set()
        assert names == {"scan_features.npz", "features.csv"} | labels
        arrays = np.load(output / "scan_features.npz")
        assert arrays["features"].shape[0] == arrays["pooled"].shape[0] == 144
        header, row = csv.reader((output / "features.csv").read_text(encoding="utf-8").splitlines())
        assert len(header) == 145 and row[0] == "scan.nii.gz"
        np.testing.assert_allclose(np.array(row[1:], float), arrays["pooled"], rtol=1e-5)
    with pytest.raises(InvalidConfig, match=r"features.csv exists already"):
        result_of(predict(config))
