import numpy as np
import pytest
import torch
from tests.learning.distributed import in_processes
from torch import distributed as ranks

from napari_toposeg.learning.losses.contrastive import (
    gathered,
    group_contrast,
    koleo,
    mean_of_devices,
    nt_xent,
)

SAMPLES, WIDTH = 6, 5
GROUPS = torch.tensor([0, 1, 0, 2, 1, 1])


def unit(values):
    return values / np.linalg.norm(values, axis=1, keepdims=True)


def test_nt_xent_is_the_published_sum():
    first, second = torch.randn(2, SAMPLES, WIDTH)
    z = unit(torch.cat([first, second]).double().numpy())
    n = 2 * SAMPLES
    terms = []
    for i in range(n):
        j = (i + SAMPLES) % n
        others = sum(np.exp(z[i] @ z[k] / 0.5) for k in range(n) if k != i)
        terms.append(-np.log(np.exp(z[i] @ z[j] / 0.5) / others))
    assert float(nt_xent(first, second, temperature=0.5)) == pytest.approx(np.mean(terms), rel=1e-5)


def test_the_contrast_of_groups_is_the_published_sum():
    own = torch.randn(SAMPLES, WIDTH)
    z, group = unit(own.double().numpy()), GROUPS.numpy()
    terms = []
    for i in range(SAMPLES):
        positives = [p for p in range(SAMPLES) if p != i and group[p] == group[i]]
        if not positives:
            continue
        others = sum(np.exp(z[i] @ z[k] / 0.5) for k in range(SAMPLES) if k != i)
        terms.append(-np.mean([np.log(np.exp(z[i] @ z[p] / 0.5) / others) for p in positives]))
    assert len(terms) == 5
    assert float(group_contrast(own, GROUPS, temperature=0.5)) == pytest.approx(
        np.mean(terms), rel=1e-5
    )


@pytest.mark.parametrize("groups", [[3, 3, 3], [0, 1, 2], [5]])
def test_there_is_no_contrast_of_one_group_or_of_groups_of_one(groups):
    own = torch.randn(len(groups), WIDTH)
    assert group_contrast(own, torch.tensor(groups), temperature=0.5) is None


def test_koleo_is_the_published_mean_and_falls_as_samples_part():
    own = torch.randn(SAMPLES, WIDTH)
    z = unit(own.double().numpy())
    apart = np.linalg.norm(z[:, None] - z[None], axis=2) + 9 * np.eye(SAMPLES)
    assert float(koleo(own)) == pytest.approx(-np.log(apart.min(1)).mean(), rel=1e-4)
    assert float(koleo(torch.eye(4))) < float(koleo(torch.eye(4) + 1))
    assert koleo(own[:1]) is None


def test_equal_samples_have_a_finite_gradient():
    own = torch.ones(3, WIDTH, requires_grad=True)
    koleo(own).backward()
    assert own.grad.isfinite().all()


def test_the_contrast_is_computed_in_full_precision_within_mixed():
    first, second = torch.randn(2, SAMPLES, WIDTH).bfloat16()
    wanted = nt_xent(first.float(), second.float(), temperature=0.5)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(nt_xent(first, second, temperature=0.5), wanted)


def model_and_views():
    """Return a network, and two views of all samples."""
    generator = torch.Generator().manual_seed(1)
    network = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, WIDTH))
    for part in network.parameters():
        torch.nn.init.normal_(part, generator=generator)
    return network, torch.randn(2, SAMPLES, 4, generator=generator)


def losses_of(network, views, group):
    """Return each loss with the gradient that it alone has, one after the other."""
    first, second = views
    found = {}
    for name in ("nt_xent", "groups", "koleo"):
        network.zero_grad()
        embedded = network(torch.cat([first, second])).chunk(2)
        match name:
            case "nt_xent":
                loss = nt_xent(*embedded, temperature=0.5)
            case "groups":
                loss = group_contrast(embedded[0], group, temperature=0.5) + 0 * embedded[1].sum()
            case "koleo":
                loss = koleo(embedded[0]) + 0 * embedded[1].sum()
        loss.backward()
        gradient = torch.cat([part.grad.flatten() for part in network.parameters()])
        found[name] = torch.cat([loss.detach()[None], gradient])
    found["mean"] = mean_of_devices(first.mean(0))
    return found


def shared_losses(count):
    """Return the losses of a process that has its share of the samples."""
    network, views = model_and_views()
    size = SAMPLES // count
    share = slice(ranks.get_rank() * size, (ranks.get_rank() + 1) * size)
    assert torch.equal(gathered(views[0, share].contiguous()), views[0])
    return losses_of(
        torch.nn.parallel.DistributedDataParallel(network), views[:, share], GROUPS[share]
    )


def test_two_processes_give_the_losses_and_gradients_of_one():
    whole = losses_of(*model_and_views(), GROUPS)
    found = in_processes(2, shared_losses, 2)
    for name, wanted in whole.items():
        parts = [each[name] for each in found]
        # Each process has the loss of its own samples, and all have the mean's gradient.
        torch.testing.assert_close(torch.stack(parts).mean(0), wanted, rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(parts[0][1:], parts[1][1:])
        assert wanted[1:].abs().max() > 1e-3
