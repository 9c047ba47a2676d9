"""A sheet of samples, to look at: loss is a poor guide to what a network has learned."""

from pathlib import Path

import torch
from torch import Tensor

from core.grids import make_grid
from core.models.network import NetworkModel
from core.problem import Problem
from core.solve import solve


def draw_samples(model: NetworkModel, labels: Tensor, seed: int = 0, steps: int = 50) -> Tensor:
    """Images for ``labels`` (N,), float32 (N, C, H, W): DDIM, steps even in time, under the schedule of training."""
    problem = Problem(model.with_labels(labels), model.schedule)
    times = make_grid("uniform-t", model.schedule, steps=steps)
    start = problem.sample_prior(len(labels), float(times[0]), seed, torch.float32)
    return solve(problem, "ddim", times, start, record=False).final


def write_sheet(images: Tensor, path: str | Path, columns: int, zoom: int = 4) -> None:
    """Write images (N, C, H, W) in [-1, 1], row after row, as a PNG; each pixel becomes ``zoom`` x ``zoom``."""
    from PIL import Image

    n, channels, height, width = images.shape
    rows = -(-n // columns)
    padded = torch.full((rows * columns, channels, height + 1, width + 1), 1.0)
    padded[:n, :, :height, :width] = images.float().cpu().nan_to_num().clamp(-1, 1)
    grid = padded.view(rows, columns, channels, height + 1, width + 1).permute(0, 3, 1, 4, 2)
    grid = grid.reshape(rows * (height + 1), columns * (width + 1), channels).expand(-1, -1, 3)
    grid = grid.repeat_interleave(zoom, 0).repeat_interleave(zoom, 1)
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(((grid + 1) * 127.5).round().byte().numpy()).save(path)


def sheet_labels(classes: int, per_class: int) -> Tensor:
    """Row ``i`` of a sheet with ``classes`` columns shows every class once."""
    return torch.arange(classes).repeat(per_class)
