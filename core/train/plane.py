"""``python -m core.train.plane ring``: a small network learns the score of a 2-D set; half a minute on one core."""

import argparse
import math
import sys
import time
from pathlib import Path

import torch

from core.data import TOY_DATA, make_toy
from core.models.checkpoints import save_checkpoint
from core.models.mixture import GaussianMixture
from core.models.plane import WEIGHTS, LearnedPlane, PlaneNetwork, load_plane
from core.noise import normal

BATCH = 1024
LEVELS = (-3.0, -1.5, 0.0, 1.0, 2.0, 3.0)  # at which the report compares with the exact score


def train(model: GaussianMixture, steps: int, seed: int = 0) -> PlaneNetwork:
    """Regress ``v`` on fresh draws of data, noise and lambda; Adam with a cosine rate, averaged weights.

    Source: Salimans and Ho 2022 (arXiv 2202.00512) for ``v``.
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net, average = PlaneNetwork(), PlaneNetwork()
    average.load_state_dict(net.state_dict())
    optimiser = torch.optim.Adam(net.parameters(), lr=3e-3)
    rate = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    data = model.sample(1 << 17, seed).float()
    for step in range(steps):
        x0 = data[torch.randint(len(data), (BATCH,), generator=generator)]
        eps = torch.randn(BATCH, 2, generator=generator)
        # most levels where the modes part, some everywhere
        lam = (1.0 + 2.2 * torch.randn(BATCH, generator=generator)).clamp(net.lowest, net.highest)
        angle = torch.atan(torch.exp(-lam))[:, None]
        a, s = angle.cos(), angle.sin()
        loss = (net(a * x0 + s * eps, lam) - (a * eps - s * x0)).square().mean()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        rate.step()
        keep = min(0.999, (1 + step) / (10 + step))
        with torch.no_grad():
            for mean, new in zip(average.parameters(), net.parameters(), strict=True):
                mean.lerp_(new, 1 - keep)
    return average


def errors(learned: LearnedPlane, model: GaussianMixture, particles: int = 4096) -> dict[float, float]:
    """RMS error of the learned noise against the exact one at each of ``LEVELS`` of lambda, over the data's own law."""
    data, noise = model.sample(particles, 1), normal(1, "plane report", shape=(particles, 2))
    found = {}
    for lam in LEVELS:
        angle = math.atan(math.exp(-lam))
        a, s = math.cos(angle), math.sin(angle)
        x = a * data + s * noise
        v = learned.predict(x, a, s, "v")
        found[lam] = float((s * x + a * v - model.predict(x, a, s, "eps")).square().mean().sqrt())
    return found


def main() -> None:
    line = argparse.ArgumentParser(prog="python -m core.train.plane", description=__doc__)
    line.add_argument("data", nargs="+", choices=list(TOY_DATA), help="2-D sets")
    line.add_argument("--steps", type=int, default=8000, help="of 1,024 draws (default 8,000)")
    line.add_argument("--out", type=Path, default=WEIGHTS, help="folder of the weights")
    chosen = line.parse_args()
    torch.set_num_threads(1)
    for name in chosen.data:
        model, started = make_toy(name), time.perf_counter()
        net = train(model, chosen.steps)
        path = chosen.out / f"{name}.safetensors"
        about = {"network": "PlaneNetwork", "arguments": {}, "data": name, "steps": chosen.steps}
        save_checkpoint(path, net.state_dict(), about)
        told = ", ".join(f"{lam:g}: {error:.3f}" for lam, error in errors(load_plane(path), model).items())
        sys.stdout.write(f"{name}: {time.perf_counter() - started:.0f} s; RMS error of eps by lambda: {told}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
