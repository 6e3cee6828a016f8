"""Starting from another model: what is taken, what is changed, and what is refused."""

import json

import pytest
import torch

from napari_toposeg.config import NetworkConfig
from napari_toposeg.errors import InvalidCheckpoint
from napari_toposeg.learning.cards import Card
from napari_toposeg.learning.checkpoints import save_checkpoint
from napari_toposeg.learning.fitting import resize_positions
from napari_toposeg.learning.networks import build
from napari_toposeg.learning.networks.vit import VisionTransformer
from napari_toposeg.learning.transfer import start_from, start_pretraining


def card_of(task="reconstruct", classes=(), **network):
    return Card(
        name="given",
        task=task,
        network=NetworkConfig(**{"size": "nano", **network}),
        crop=(12, 12, 12),
        spacing=(1.0, 1.0, 1.0),
        classes=classes,
    )


@pytest.fixture
def saved(tmp_path):
    """Save an untrained model and return its weights and its file."""

    def save(card):
        torch.manual_seed(1)
        weights = build(card.network, task=card.task, classes=len(card.classes)).state_dict()
        path = tmp_path / "given.safetensors"
        save_checkpoint(path, weights, card, extra={"step": "1"})
        return weights, path

    return save


def fresh(card):
    torch.manual_seed(2)
    return build(card.network, task=card.task, classes=len(card.classes)).state_dict()


def test_every_key_is_told_once(saved):
    given, path = saved(card_of())
    target = card_of("segment", ("vessel",))
    own = fresh(target)
    report = start_from(own, target, path)
    changed = (*report.taken, *report.resized, *report.inflated)
    assert sorted((*changed, *report.fresh)) == sorted(own)
    assert sorted((*changed, *report.left)) == sorted(given)
    assert all(name.startswith("encoder.") for name in report.taken)
    assert not any(name.startswith("encoder.") for name in report.fresh + report.left)
    assert all(torch.equal(own[name], given[name]) for name in report.taken)


def test_a_finetuned_model_gives_its_decoder_but_not_the_answers_to_other_classes(saved):
    _, path = saved(card_of("segment", ("vessel",)))
    target = card_of("segment", ("airway",))
    report = start_from(fresh(target), target, path)
    assert sorted(report.fresh) == ["classify.bias", "classify.weight"]
    same = start_from(fresh(card_of("segment", ("vessel",))), card_of("segment", ("vessel",)), path)
    assert not same.fresh
    encoder = start_from(fresh(target), target, path, encoder_only=True)
    assert not [name for name in encoder.taken if not name.startswith("encoder.")]


def test_pretraining_goes_on_from_all_weights(saved):
    given, path = saved(card_of())
    own = fresh(card_of())
    report = start_from(own, card_of(), path)
    assert not report.fresh and not report.left
    assert all(torch.equal(own[name], given[name]) for name in given)


def test_an_encoder_of_another_size_is_refused_with_counts_and_names(saved):
    given, path = saved(card_of())
    target = card_of("segment", ("vessel",), size="tiny")
    count = sum(name.startswith("encoder.") for name in given)
    with pytest.raises(InvalidCheckpoint, match=r"encoder\.embed\.weight.*left over") as error:
        start_from(fresh(target), target, path)
    assert f"{count} of the model" in str(error.value)


def test_more_channels_of_the_same_image_give_the_same_features(saved):
    given, path = saved(card_of())
    target = card_of("encode", channels=4)
    own = fresh(target)
    report = start_from(own, target, path)
    assert report.inflated == ("encoder.embed.weight",)
    one = encoder_with(given, channels=1)
    four = encoder_with(own, channels=4)
    image = torch.rand(1, 1, 12, 12, 12)
    (expected,), (features,) = one(image), four(image.expand(-1, 4, -1, -1, -1))
    torch.testing.assert_close(features, expected)


def encoder_with(weights, channels):
    encoder = VisionTransformer(patch=6, dimension=144, depth=6, heads=6, channels=channels)
    prefix = "encoder."
    encoder.load_state_dict(
        {n.removeprefix(prefix): t for n, t in weights.items() if n.startswith(prefix)}
    )
    return encoder.eval()


def test_a_larger_patch_sees_in_an_enlarged_image_what_the_smaller_saw(saved):
    given, path = saved(card_of())
    target = card_of("segment", ("vessel",), patch=8)
    own = fresh(target)
    report = start_from(own, target, path)
    assert report.resized == ("encoder.embed.weight",)
    patch = torch.rand(1, 1, 6, 6, 6)
    enlarged = torch.nn.functional.interpolate(patch, size=(8, 8, 8), mode="trilinear")
    features = [
        image.flatten() @ weights["encoder.embed.weight"].T
        for image, weights in ((patch, given), (enlarged, own))
    ]
    torch.testing.assert_close(*features)


def test_positions_linear_in_place_stay_so_on_a_finer_grid():
    z, y, x = torch.meshgrid(*(torch.arange(float(n)) for n in (2, 3, 4)), indexing="ij")
    coarse = torch.stack([z, y, x], dim=-1).reshape(1, 24, 3)
    fine = resize_positions(coarse, (2, 3, 4), (4, 6, 8)).reshape(4, 6, 8, 3)
    # Beyond the outermost centres values are those of the border.
    assert torch.allclose(fine[:, 0, 0, 0], torch.tensor([0.0, 0.25, 0.75, 1.0]))
    assert torch.allclose(fine[0, :, 0, 1], torch.tensor([0.0, 0.25, 0.75, 1.25, 1.75, 2.0]))


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Save a ViT and a UNETR++ that were pretrained together."""
    torch.manual_seed(1)
    card = card_of(name="fused", patch=8)
    path = tmp_path_factory.mktemp("pair") / "pair.safetensors"
    weights = build(card.network, task="reconstruct").state_dict()
    save_checkpoint(path, weights, card)
    return weights, path


@pytest.mark.parametrize(
    ("name", "origins"),
    [
        ("vit", {"encoder.": "vit.encoder."}),
        ("unetr-pp", {"encoder.": "upp.network.encoder."}),
        ("fused", {"encoder.vit.": "vit.encoder.", "encoder.upp.": "upp.network.encoder."}),
    ],
)
def test_a_pair_gives_either_network_and_the_one_that_joins_them(pair, name, origins):
    weights, path = pair
    target = card_of("segment", ("organ",), name=name, patch=8)
    own = fresh(target)
    report = start_from(own, target, path)
    for ours, theirs in origins.items():
        names = [each for each in own if each.startswith(ours)]
        assert names and set(names) <= set(report.taken)
        assert all(torch.equal(own[n], weights[theirs + n.removeprefix(ours)]) for n in names)
    decoder = [each for each in report.taken if each.startswith("decoder")]
    assert bool(decoder) == (name != "vit")
    assert all(torch.equal(own[each], weights[f"upp.network.{each}"]) for each in decoder)
    # One output, the image's, was rebuilt; classes are other answers, though two shapes agree.
    assert not [each for each in report.taken if each.startswith("out")]


def test_projections_of_a_unetr_pp_are_resized_to_another_grid(saved):
    given, path = saved(card_of(name="unetr-pp", grid=(8, 8, 8), cube=32))
    target = card_of("segment", ("organ",), name="unetr-pp", grid=(16, 8, 8))
    own = fresh(target)
    report = start_from(own, target, path)
    name = "encoder.stages.0.0.epa_block.E.weight"
    assert name in report.resized and "encoder.stages.0.0.pos_embed" in report.resized
    # The projection of tokens that are all alike keeps its size.
    torch.testing.assert_close(
        own[name].sum(1), given[f"network.{name}"].sum(1), atol=1e-5, rtol=1e-3
    )


def test_student_and_teacher_start_alike(saved):
    given, path = saved(card_of())
    card = card_of("encode")
    network = torch.nn.ModuleDict(
        {each: build(card.network, task="encode") for each in ("student", "teacher")}
    )
    start_pretraining(network, network["teacher"].state_dict(), card, path)
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, given[name.partition(".")[2]])


def test_the_report_is_written_where_a_run_begins_and_kept_where_one_goes_on(saved, tmp_path):
    _, path = saved(card_of())
    target = card_of("segment", ("vessel",))
    report = start_from(fresh(target), target, path)
    run = tmp_path / "run"
    report.write(run)
    told = json.loads((run / "transfer.json").read_text(encoding="utf-8"))
    assert told["summary"] == report.summary() and told["taken"] == list(report.taken)
    (run / "last.safetensors").touch()
    (run / "transfer.json").unlink()
    report.write(run)
    assert not (run / "transfer.json").exists()
