"""The table of noise schedules. A new one is a class in this folder and an entry here."""

from dataclasses import dataclass, fields
from numbers import Real

from core.language import message
from core.registry import Registry
from core.schedules.base import Schedule
from core.schedules.discrete import DdpmCosine, DdpmLinear
from core.schedules.flow import Flow
from core.schedules.variance_exploding import Edm, VarianceExploding
from core.schedules.variance_preserving import SubVp, Vdm, VpCosine, VpLinear


@dataclass(frozen=True)
class ScheduleInfo:
    """What menus show of a schedule, and the class that computes it.

    Attributes
    ----------
    title : name on screen.
    description : one plain sentence.
    formula : LaTeX of alpha and sigma.
    source : paper and arXiv number.
    build : subclass of :class:`Schedule`; its fields are the parameters of ``make_schedule``.
    """

    title: str
    description: str
    formula: str
    source: str
    build: type[Schedule]

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names that ``make_schedule`` accepts for this schedule."""
        return tuple(field.name for field in fields(self.build))


_LINEAR_BETA = r"\alpha_t = e^{-\frac{t^2}{4}(\beta_{max}-\beta_{min})-\frac{t}{2}\beta_{min}},"

SCHEDULES: Registry[ScheduleInfo] = Registry("noise schedule")

SCHEDULES.add(
    "vp-linear",
    ScheduleInfo(
        "VP, linear β",
        "Signal fades and noise fills in so that unit variance stays unit variance; the noise rate rises linearly.",
        _LINEAR_BETA + r"\quad \sigma_t=\sqrt{1-\alpha_t^2}",
        "Song et al. 2020, arXiv 2011.13456",
        VpLinear,
    ),
)
SCHEDULES.add(
    "vp-cosine",
    ScheduleInfo(
        "VP, cosine",
        "The same balance of signal and noise, with a gentler start and end.",
        r"\alpha_t = \cos\left(\tfrac{\pi}{2}\tfrac{t+s}{1+s}\right)/\cos\left(\tfrac{\pi}{2}\tfrac{s}{1+s}\right),"
        r"\quad \sigma_t=\sqrt{1-\alpha_t^2}",
        "Nichol and Dhariwal 2021, arXiv 2102.09672",
        VpCosine,
    ),
)
SCHEDULES.add(
    "sub-vp",
    ScheduleInfo(
        "sub-VP",
        "The signal of the linear VP schedule with less noise at every time.",
        _LINEAR_BETA + r"\quad \sigma_t=1-\alpha_t^2",
        "Song et al. 2020, arXiv 2011.13456",
        SubVp,
    ),
)
SCHEDULES.add(
    "ve",
    ScheduleInfo(
        "VE",
        "The signal stays; the noise grows by the same factor in every unit of time.",
        r"\alpha_t = 1,\quad \sigma_t=\sigma_{min}(\sigma_{max}/\sigma_{min})^t",
        "Song et al. 2020, arXiv 2011.13456",
        VarianceExploding,
    ),
)
SCHEDULES.add(
    "edm",
    ScheduleInfo(
        "EDM",
        "The signal stays and time is the noise level itself.",
        r"\alpha_t = 1,\quad \sigma_t=t",
        "Karras et al. 2022, arXiv 2206.00364",
        Edm,
    ),
)
SCHEDULES.add(
    "flow",
    ScheduleInfo(
        "Flow matching",
        "A straight line from data to noise: signal and noise trade places at constant speed.",
        r"\alpha_t = 1-t,\quad \sigma_t=t",
        "Lipman et al. 2022, arXiv 2210.02747; Liu et al. 2022, arXiv 2209.03003",
        Flow,
    ),
)
SCHEDULES.add(
    "ddpm-linear",
    ScheduleInfo(
        "DDPM, linear β",
        "The 1000 discrete noise levels of DDPM, made continuous by interpolation.",
        r"\log\alpha_{n/1000} = \tfrac12\sum_{i\le n}\log(1-\beta_i),\ \beta_i \text{ from } 10^{-4}\text{ to }0.02",
        "Ho et al. 2020, arXiv 2006.11239",
        DdpmLinear,
    ),
)
SCHEDULES.add(
    "ddpm-cosine",
    ScheduleInfo(
        "DDPM, cosine",
        "The 1000 discrete levels of improved DDPM, made continuous by interpolation.",
        r"\log\alpha_{n/1000} = \tfrac12\sum_{i\le n}\log(1-\beta_i),\quad \beta_i\text{ from a squared cosine}",
        "Nichol and Dhariwal 2021, arXiv 2102.09672",
        DdpmCosine,
    ),
)
SCHEDULES.add(
    "vdm",
    ScheduleInfo(
        "VDM, linear log-SNR",
        "Variance preserving, with a log signal-to-noise ratio that falls linearly in time.",
        r"-2\lambda_t = \gamma_{min}+t(\gamma_{max}-\gamma_{min}),\quad \alpha_t^2+\sigma_t^2=1",
        "Kingma et al. 2021, arXiv 2107.00630",
        Vdm,
    ),
)


def make_schedule(name: str, **parameters: float) -> Schedule:
    """Build the noise schedule ``name``.

    ``parameters`` are those of its class, such as ``beta_min`` and ``beta_max`` of ``"vp-linear"``; every schedule
    takes ``t_min`` and ``t_max``.

    Raises
    ------
    ValueError
        On an unknown name, an unknown parameter or a value out of range, with what is allowed.
    """
    info = SCHEDULES[name]
    unknown = sorted(set(parameters) - set(info.parameters))
    if unknown:
        raise ValueError(
            message(
                "schedule {name} has no parameter {unknown}; it takes {names}",
                name=repr(name),
                unknown=repr(unknown[0]),
                names=", ".join(info.parameters),
            )
        )
    for key, value in parameters.items():
        if isinstance(value, bool) or not isinstance(value, Real):
            raise ValueError(
                message(
                    "{key} of schedule {name} must be a number, got {value}",
                    key=key,
                    name=repr(name),
                    value=repr(value),
                )
            )
    return info.build(**parameters)
