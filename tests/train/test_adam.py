"""Small networks as one vector: the steps are those of torch's Adam, and the average is put back."""

import copy

import pytest
import torch
from torch import nn

from core.train.adam import Weights


@pytest.fixture
def nets() -> list[nn.Module]:
    made = [nn.Sequential(nn.Linear(2, 5), nn.SiLU(), nn.Linear(5, 2)), nn.Linear(2, 3)]
    generator = torch.Generator().manual_seed(0)
    for net in made:
        net.double()
        for part in net.parameters():
            part.data.normal_(generator=generator)
    return made


def loss(nets: list[nn.Module], step: int) -> torch.Tensor:
    x = torch.randn(7, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(step))
    return (nets[0](x) - 1).square().mean() + (nets[1](x) + x[:, :1]).square().mean()


def flat(nets: list[nn.Module]) -> torch.Tensor:
    return torch.cat([part.detach().flatten() for net in nets for part in net.parameters()])


def test_steps_and_average_are_those_of_torch(nets):
    theirs = copy.deepcopy(nets)
    optimiser = torch.optim.Adam([part for net in theirs for part in net.parameters()])
    weights, mean = Weights(*nets), flat(nets)
    for step in range(40):
        rate, keep = 0.1 / (1 + step), min(0.9, step / 10)
        loss(nets, step).backward()
        weights.step(rate)
        weights.average(keep)
        optimiser.param_groups[0]["lr"] = rate
        optimiser.zero_grad()
        loss(theirs, step).backward()
        optimiser.step()
        mean = keep * mean + (1 - keep) * flat(theirs)
        torch.testing.assert_close(flat(nets), flat(theirs), rtol=1e-12, atol=1e-12)
    weights.take_average()
    torch.testing.assert_close(flat(nets), mean, rtol=1e-12, atol=1e-12)
    assert not torch.equal(flat(nets), flat(theirs))


def test_a_network_can_be_used_elsewhere_afterwards(nets):
    weights = Weights(nets[0].float())
    before = flat(nets[:1])
    net = nets[0].double().requires_grad_(False)
    weights.vector.zero_()
    torch.testing.assert_close(flat([net]).float(), before)
