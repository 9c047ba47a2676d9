"""How often a classifier is right, by how noisy its images are."""

import torch
from torch import Tensor, nn

from core.schedules import Schedule
from core.train.tasks import Task

LEVELS = (0.02, 0.2, 0.5, 1.0, 2.0, 5.0, 20.0)  # sigma / alpha
CHUNK = 500


@torch.inference_mode()
def accuracy_by_level(
    task: Task, net: nn.Module, schedule: Schedule, images: Tensor, labels: Tensor, seed: int = 0
) -> dict[str, float]:
    """Share of ``images`` (N, C, H, W) whose class ``net`` names, at each of ``LEVELS`` of sigma / alpha.

    Levels that the task trains alike are one: a judge of clean images is only asked about those ("clean").
    """
    found: dict[str, float] = {}
    device = next(net.parameters()).device
    eps = torch.randn(images.shape, generator=torch.Generator().manual_seed(seed))
    for level in LEVELS:
        t = schedule.time_of(-torch.tensor(level, dtype=torch.float64).log())
        alpha, sigma, index = (float(value) for value in task.levels(t, schedule))
        name = f"sigma/alpha {level:g}" if sigma else "clean"
        if name not in found:
            seen = (alpha * images + sigma * eps).split(CHUNK)
            answers = [net(part.to(device), torch.full((len(part),), index, device=device)) for part in seen]
            found[name] = float((torch.cat(answers).argmax(1).cpu() == labels).double().mean())
    return found
