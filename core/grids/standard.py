"""Where the steps are put: each rule maps ``u`` from 0 (noise) to 1 (data) onto times."""

from collections.abc import Callable
from dataclasses import dataclass
from numbers import Integral, Real

import torch
from torch import Tensor

from core.registry import Registry
from core.schedules import Schedule

MAX_STEPS = 10_000


@dataclass(frozen=True)
class GridInfo:
    """A rule for placing steps.

    Attributes
    ----------
    title, description, formula, source : what menus and the reader see.
    place : ``(schedule, t_start, t_end, u, **options) -> times`` for ``u`` (float64) rising from 0 to 1.
    options : option name -> (default, lowest, highest).
    """

    title: str
    description: str
    formula: str
    source: str
    place: Callable[..., Tensor]
    options: tuple[tuple[str, float, float, float], ...] = ()


def _lerp(first: Tensor, last: Tensor, u: Tensor) -> Tensor:
    return first + u * (last - first)


def _uniform_t(schedule: Schedule, t_start: Tensor, t_end: Tensor, u: Tensor) -> Tensor:
    return _lerp(t_start, t_end, u)


def _quadratic_t(schedule: Schedule, t_start: Tensor, t_end: Tensor, u: Tensor) -> Tensor:
    return _lerp(t_start.sqrt(), t_end.sqrt(), u) ** 2


def _uniform_lambda(schedule: Schedule, t_start: Tensor, t_end: Tensor, u: Tensor) -> Tensor:
    return schedule.time_of(_lerp(schedule.log_snr(t_start), schedule.log_snr(t_end), u))


def _karras(schedule: Schedule, t_start: Tensor, t_end: Tensor, u: Tensor, rho: float) -> Tensor:
    # sigma/alpha^(1/rho) in equal steps; as exp and log, so that large ratios do not overflow
    first, last = (-schedule.log_snr(t) / rho for t in (t_start, t_end))
    return schedule.time_of(-rho * _lerp(first.exp(), last.exp(), u).log())


GRIDS: Registry[GridInfo] = Registry("time grid")
GRIDS.add(
    "uniform-t",
    GridInfo(
        "Uniform in t",
        "Equal steps in time.",
        r"t_i = t_0 + \tfrac{i}{S}(t_S-t_0)",
        "DDPM, 2006.11239",
        _uniform_t,
    ),
)
GRIDS.add(
    "quadratic-t",
    GridInfo(
        "Quadratic in t",
        "Equal steps in the square root of time: denser towards the data.",
        r"\sqrt{t_i} = \sqrt{t_0} + \tfrac{i}{S}(\sqrt{t_S}-\sqrt{t_0})",
        "DDIM, 2010.02502",
        _quadratic_t,
    ),
)
GRIDS.add(
    "uniform-lambda",
    GridInfo(
        "Uniform in λ",
        "Equal steps in the half log signal-to-noise ratio.",
        r"\lambda_i = \lambda_0 + \tfrac{i}{S}(\lambda_S-\lambda_0)",
        "DPM-Solver, 2206.00927",
        _uniform_lambda,
    ),
)
GRIDS.add(
    "karras",
    GridInfo(
        "Karras (ρ)",
        "Equal steps in (σ/α) to the power 1/ρ: larger ρ puts more steps near the data.",
        r"(\sigma/\alpha)_i^{1/\rho} = (\sigma/\alpha)_0^{1/\rho}"
        r" + \tfrac{i}{S}\left((\sigma/\alpha)_S^{1/\rho}-(\sigma/\alpha)_0^{1/\rho}\right)",
        "EDM, 2206.00364",
        _karras,
        (("rho", 7.0, 1.0, 100.0),),
    ),
)


def make_grid(
    name: str,
    schedule: Schedule,
    steps: int,
    t_start: float | None = None,
    t_end: float | None = None,
    **options: float,
) -> Tensor:
    """Times at which a solver stops, from noise to data.

    Parameters
    ----------
    name : a key of ``GRIDS``.
    steps : number of intervals S, 1 to 10,000.
    t_start, t_end : first and last time, inside ``[schedule.t_min, schedule.t_max]``; the whole range by default.
    options : those of the rule, such as ``rho`` of ``"karras"``.

    Returns
    -------
    Tensor, shape (S + 1,), float64, strictly decreasing, first and last exactly ``t_start`` and ``t_end``.

    Raises
    ------
    ValueError
        On an unknown name or option, a step count or a time out of range, or ``t_start <= t_end``.
    """
    info = GRIDS[name]
    t_start = schedule.t_max if t_start is None else float(t_start)
    t_end = schedule.t_min if t_end is None else float(t_end)
    check_steps(steps)
    if not schedule.t_min <= t_end < t_start <= schedule.t_max:
        raise ValueError(
            f"a grid from t = {t_start:g} down to {t_end:g} does not fit; "
            f"it needs {schedule.t_min:g} <= t_end < t_start <= {schedule.t_max:g}"
        )
    values = {key: default for key, default, _, _ in info.options}
    unknown = sorted(set(options) - set(values))
    if unknown:
        raise ValueError(f"grid {name!r} has no option {unknown[0]!r}; it takes {', '.join(values) or 'none'}")
    values.update(options)
    for key, _, low, high in info.options:
        if isinstance(values[key], bool) or not isinstance(values[key], Real) or not low <= values[key] <= high:
            raise ValueError(f"{key} of grid {name!r} must lie between {low:g} and {high:g}, got {values[key]}")

    start, end = (torch.tensor(value, dtype=torch.float64) for value in (t_start, t_end))
    times = info.place(schedule, start, end, torch.linspace(0, 1, steps + 1, dtype=torch.float64), **values)
    times[0], times[-1] = start, end  # inverse functions round; the ends are what was asked for
    if not bool((times[1:] < times[:-1]).all()):
        raise ValueError(f"{steps} steps from t = {t_start:g} to {t_end:g} fall together in float64; use fewer steps")
    return times


def refine(schedule: Schedule, times: Tensor, inner: int) -> Tensor:
    """Each interval of ``times`` (S + 1,) cut into ``inner`` equal steps in lambda: (S * inner + 1,) float64.

    The given times stay exactly as they are, at every ``inner``-th place.
    """
    lam = schedule.log_snr(times)
    share = torch.arange(inner, dtype=torch.float64) / inner
    fine = schedule.time_of((lam[:-1, None] + share * lam.diff()[:, None]).flatten())
    fine[::inner] = times[:-1]
    return torch.cat([fine, times[-1:]])


def check_steps(steps: int) -> None:
    """Raise ``ValueError`` unless ``steps`` is a whole number from 1 to ``MAX_STEPS``."""
    if isinstance(steps, bool) or not isinstance(steps, Integral) or not 1 <= steps <= MAX_STEPS:
        raise ValueError(f"the number of steps must be a whole number from 1 to {MAX_STEPS}, got {steps!r}")
