"""One Brownian path per particle, refined and never redrawn.

A virtual Brownian tree (the construction used by torchsde and diffrax): ``W`` at the dyadic points of a clock
``u`` in [0, 1] is built by Brownian bridges, each with normal numbers that depend on the seed, the tree node and the
particle only. Runs with different step counts or grids over the same span therefore see the same path.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor

from core.noise import normal
from core.schedules import Schedule

DEPTH = 22  # the finest cells are 2^-22 of the span in lambda; W is linear inside them


class BrownianPath:
    """``W_t`` for ``t_end <= t <= t_start`` with ``W = 0`` at ``t_start``; time runs backwards, as a sampler does.

    The tree is split evenly in lambda, which resolves the data end of every schedule as finely as the noise end.

    Parameters
    ----------
    schedule : gives the clock.
    t_start, t_end : the span, ``t_start > t_end``.
    shape : of the particles, ``(N, ...)``.
    seed : non-negative integer.

    Source: Li et al. 2020 (arXiv 2001.01328), section 4.
    """

    def __init__(self, schedule: Schedule, t_start: float, t_end: float, shape: tuple[int, ...], seed: int):
        self.schedule, self.shape, self.seed = schedule, shape, seed
        self.t_start, self.t_end = float(t_start), float(t_end)
        ends = schedule.log_snr(torch.tensor([t_start, t_end], dtype=torch.float64))
        self._first, self._span = float(ends[0]), float(ends[1] - ends[0])
        self._last_query: tuple[float, Tensor] | None = None
        self._kept: dict[int, tuple[int, Tensor]] = {}

    def increment(self, t_cur: float, t_next: float) -> Tensor:
        """``W(t_next) - W(t_cur)``, float64, shape (N, ...), variance ``t_cur - t_next``."""
        return self.value(t_next) - self.value(t_cur)

    def standard(self, t_cur: float, t_next: float) -> Tensor:
        """The increment over a step divided by its standard deviation: standard normal, one path for all step counts.

        Samplers whose noise is weighted inside a step use it too: it differs from their weighted integral by O(h) of
        its own size, independently from step to step, which leaves strong order 1 and the law of every step intact.
        """
        return self.increment(t_cur, t_next).div_(math.sqrt(t_cur - t_next))

    def fresh(self, *stream: str | int) -> Tensor:
        """Standard normal noise that belongs to no path: float64, shape (N, ...), fixed by the seed and ``stream``."""
        return normal(self.seed, *stream, shape=self.shape)

    def value(self, t: float) -> Tensor:
        """``W_t``, float64.

        Raises
        ------
        ValueError
            If ``t`` lies outside the span.
        """
        if not self.t_end <= t <= self.t_start:
            raise ValueError(f"t = {t} lies outside the path's span from {self.t_start} down to {self.t_end}")
        if self._last_query is None or self._last_query[0] != t:  # a sampler asks for each inner time twice
            self._last_query = (t, self._bisect(t))
        return self._last_query[1]

    def _bisect(self, t: float) -> Tensor:
        left_t, right_t = self.t_start, self.t_end
        left_w = torch.zeros(self.shape, dtype=torch.float64)
        if t == left_t:
            return left_w
        right_w = self._node(
            0, 0, lambda: math.sqrt(left_t - right_t) * normal(self.seed, "brownian", shape=self.shape)
        )
        index, middles = 0, self._middles(t)
        for depth in range(1, DEPTH + 1):
            if t == right_t:
                return right_w
            # where rounding led the descent past a boundary, the other side is computed after all
            middle_t = middles.get((depth, index)) or float(self._times([depth], [index])[0])
            if not right_t < middle_t < left_t:  # the cell is as fine as float64 tells times apart
                break
            middle_w = self._node(
                depth, index, partial(self._bridge, depth, index, (left_t, left_w), (right_t, right_w), middle_t)
            )
            if t >= middle_t:
                right_t, right_w, index = middle_t, middle_w, 2 * index
            else:
                left_t, left_w, index = middle_t, middle_w, 2 * index + 1
        return torch.lerp(left_w, right_w, (left_t - t) / (left_t - right_t))

    def _middles(self, t: float) -> dict[tuple[int, int], float]:
        """The middles of all cells that hold ``t``, by depth and index: the schedule is asked once."""
        u = (float(self.schedule.log_snr(t)) - self._first) / self._span
        depths = range(1, DEPTH + 1)
        indices = [min(int(u * 2 ** (depth - 1)), 2 ** (depth - 1) - 1) for depth in depths]
        return dict(zip(zip(depths, indices, strict=True), self._times(depths, indices).tolist(), strict=True))

    def _times(self, depths: Sequence[int], indices: Sequence[int]) -> Tensor:
        u = torch.tensor([(2 * i + 1) / 2**d for d, i in zip(depths, indices, strict=True)], dtype=torch.float64)
        return self.schedule.time_of(self._first + u * self._span)

    def _bridge(
        self, depth: int, index: int, left: tuple[float, Tensor], right: tuple[float, Tensor], middle_t: float
    ) -> Tensor:
        noise = normal(self.seed, "bridge", depth, index, shape=self.shape)
        fraction = (left[0] - middle_t) / (left[0] - right[0])
        deviation = math.sqrt(fraction * (middle_t - right[0]))
        return torch.lerp(left[1], right[1], fraction).add_(noise, alpha=deviation)

    def _node(self, depth: int, index: int, make: Callable[[], Tensor]) -> Tensor:
        """The value at a node of the tree; the last one at every depth is kept, since a sampler moves along."""
        kept = self._kept.get(depth)
        if kept is None or kept[0] != index:
            kept = (index, make())
            self._kept[depth] = kept
        return kept[1]
