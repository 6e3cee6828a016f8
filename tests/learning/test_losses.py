import pytest
import torch
from tests.learning.distributed import in_processes
from torch import distributed

from napari_toposeg.learning.losses.joined import Answer, join, join_all
from napari_toposeg.learning.losses.masked import masked_squared_error
from napari_toposeg.learning.losses.overlap import IGNORED, dice_cross_entropy, hard_dice


def test_masked_squared_error_leaves_padding_out():
    predicted, true = torch.zeros(1, 1, 4), torch.tensor([[[1.0, 2.0, 9.0, 9.0]]])
    counted = torch.tensor([[[True, True, False, False]]])
    assert masked_squared_error(predicted, true, counted) == 2.5


def test_a_joined_loss_has_the_wanted_share_of_the_gradient():
    start, factor = torch.full((4,), 0.5, requires_grad=True), torch.arange(1.0, 5.0)
    answer = Answer.of(start * factor)
    first, second = (answer.loose**2).sum(), (50 * answer.loose**3).sum()
    of_first, of_second = 2 * answer.loose.detach(), 150 * answer.loose.detach() ** 2
    loss, weight = join(first, second, [answer], ratio=0.3)
    assert float(weight * of_second.norm() / of_first.norm()) == pytest.approx(0.3)
    assert loss.item() == pytest.approx((first + weight * second).item())
    loss.backward()
    torch.testing.assert_close(start.grad, (of_first + weight * of_second) * factor)


def test_the_weight_of_a_joined_loss_is_at_most_one_and_none_where_the_first_is_flat():
    answer = Answer.of(torch.ones(4, requires_grad=True))
    flat, steep = (1e-6 * answer.loose).sum(), (9 * answer.loose).sum()
    assert join(steep, flat, [answer], ratio=0.3).weight == 1.0
    answer = Answer.of(torch.ones(4, requires_grad=True))
    assert join((0 * answer.loose).sum(), answer.loose.sum(), [answer], ratio=0.3).weight == 0.0


def test_several_losses_have_each_its_share_of_the_first_gradient():
    start = torch.tensor([3.0, 4.0], requires_grad=True)
    answer = Answer.of(start * 2.0)
    first = (answer.loose**2).sum() / 2
    # Of one graph, as terms are that look at the same probabilities.
    shared = answer.loose * 1.0
    others = [7 * shared.sum(), (shared**3).sum(), shared.sum() * 0.01]
    loss, weights = join_all(first, others, [answer], ratios=[0.3, 0.1, 0.2])
    # The gradient of the first is (6, 8), of norm 10; of the others (7, 7) and (108, 192).
    expected = [0.3 * 10 / 98**0.5, 0.1 * 10 / (108**2 + 192**2) ** 0.5, 1.0]
    assert [float(weight) for weight in weights] == pytest.approx(expected)
    values = [7 * 14, 6**3 + 8**3, 0.14]
    sums = sum(weight * value for weight, value in zip(expected, values, strict=True))
    assert loss.item() == pytest.approx(50 + sums)
    loss.backward()
    gradient = [
        own + expected[0] * 7 + expected[1] * 3 * own**2 + expected[2] * 0.01 for own in (6, 8)
    ]
    torch.testing.assert_close(start.grad, 2.0 * torch.tensor(gradient))


def test_unlabelled_voxels_have_no_say_in_dice_and_cross_entropy():
    logits = torch.randn(1, 3, 2, 2, 2, requires_grad=True)
    target = torch.randint(0, 3, (1, 2, 2, 2))
    target[0, 0] = IGNORED
    sum(dice_cross_entropy(logits, target)).backward()
    assert logits.grad[:, :, 0].abs().max() == 0.0
    assert logits.grad[:, :, 1].abs().min() > 0.0


def labelled_crops():
    """Logits and targets of four crops: one without any label, one without one of the classes."""
    torch.manual_seed(0)
    logits, target = torch.randn(4, 3, 4, 4, 4), torch.randint(0, 3, (4, 4, 4, 4))
    target[0, 1:] = IGNORED
    target[1] = IGNORED
    target[2] = target[2].clamp(max=1)
    return logits.requires_grad_(), target


def of_share(share=None):
    """Return both terms of this process's share of the crops, and the gradient of their sum."""
    logits, target = labelled_crops()
    rank = distributed.get_rank() if share is None else 0
    own = share or slice(2 * rank, 2 * rank + 2)
    terms = torch.stack(dice_cross_entropy(logits[own], target[own]))
    terms.sum().backward()
    return terms.detach(), logits.grad


def test_two_processes_give_dice_and_cross_entropy_of_one():
    whole, gradient = of_share(slice(4))
    first, second = in_processes(2, of_share)
    torch.testing.assert_close((first[0] + second[0]) / 2, whole)
    torch.testing.assert_close((first[1] + second[1]) / 2, gradient)
    assert first[0][0] == second[0][0]


def test_a_crop_without_a_label_has_no_error():
    terms, gradient = of_share(slice(1, 2))
    assert terms.abs().max() == 0
    assert gradient.abs().max() == 0


def test_a_certain_true_prediction_has_almost_no_loss():
    target = torch.tensor([[[[0, 1], [2, 1]]]])
    logits = 40.0 * torch.nn.functional.one_hot(target, 3).movedim(-1, 1).float()
    assert sum(dice_cross_entropy(logits, target)) < 1e-4


def test_hard_dice_counts_labelled_voxels_only():
    prediction, target = torch.tensor([1, 1, 0, 2]), torch.tensor([1, IGNORED, 1, 0])
    dice = hard_dice(prediction, target, 3)
    assert dice[0] == pytest.approx(2 / 3)
    assert dice[1] == 0.0
    assert torch.isnan(dice[2])
