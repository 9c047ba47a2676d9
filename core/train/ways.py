"""Ways from noise to data along straight lines: how data and noise are paired, and the flow that follows from it."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor

from core.grids import make_grid
from core.language import mark, message
from core.models import GaussianMixture, Model
from core.models.velocity import AffineFlow
from core.noise import normal
from core.options import Option
from core.problem import Problem
from core.registry import Registry
from core.schedules import make_schedule
from core.solve import Cancelled, solve
from core.train.couplings import Pairs, divergence, mismatch, transport_pairs
from core.train.flows import Trained, learn_coupled_flow, learn_flow

SENT_SOLVER = "rk4"
MOST_GROUP = 1024  # pairs that are matched at a time, at most
COMPARED = 2048  # data points whose noise is compared with all noise

Report = Callable[[float, str], None]
Stop = Callable[[], bool]


@dataclass(frozen=True)
class Ground:
    """What every way starts from; images get fewer pairs, since their exact score costs more, and a wider network.

    Attributes
    ----------
    model : the data with their exact score.
    iterations : of each training; seed : of pairs, starting weights and batches.
    report, stop : told the progress, and asked whether to end.
    rounds : reflows that were made from the same model, iterations and seed, by their number: more rounds go on there.
    """

    model: Model
    iterations: int
    seed: int
    report: Report = lambda fraction, doing: None
    stop: Stop = lambda: False
    rounds: dict[int, "Way"] = field(default_factory=dict)

    @property
    def numbers(self) -> int:
        """How many numbers make one particle."""
        return math.prod(self.model.shape)

    @property
    def pairs(self) -> int:
        """How many are drawn to learn from."""
        return 16_384 if self.numbers == 2 else 4096

    @property
    def sent(self) -> tuple[int, int]:
        """How much noise a reflow sends along the flow before, and in how many steps."""
        return (8192, 50) if self.numbers == 2 else (2048, 16)

    @property
    def width(self) -> int:
        """Units of each hidden layer."""
        return 64 if self.numbers == 2 else 256

    def draw(self) -> Pairs:
        """Independent data and noise, (pairs, D) float32."""
        x0 = self.model.sample(self.pairs, self.seed).flatten(1)
        return Pairs(x0.float(), normal(self.seed, "noise of the pairs", shape=(self.pairs, self.numbers)).float())


class Way(NamedTuple):
    """A pairing and its flow.

    Attributes
    ----------
    model : the flow, for a :class:`core.problem.Problem` under the schedule "flow".
    pairs : that it belongs to, for looking at.
    missed : ``E|eps - x0 - u|^2``, how much the lines through one place disagree on average, squared length.
    losses : (iterations,) of the training; empty where nothing was trained.
    mismatch : divergence of the noise that data are paired with, as a whole, from the noise that a sampler starts
        with, nats; 0 where the pairing uses that noise as it is.
    penalty : what β weighs: the mean divergence of one data point's noise from all noise, nats; 0 where none is used.
    seconds : of the training.
    exact : whether the flow is exact for its pairing.
    """

    model: Model
    pairs: Pairs
    missed: float
    losses: Tensor
    mismatch: float = 0.0
    penalty: float = 0.0
    seconds: float = 0.0
    exact: bool = False


@dataclass(frozen=True)
class WayInfo:
    """What a menu needs of a way, and how it is made.

    Attributes
    ----------
    title, description : on screen; formula : its pairing, LaTeX; source : paper and equation.
    options : what may be set.
    make : ``(ground, **options) -> Way``.
    references : keys of ``core.references``.
    trains : whether a network is trained for it (where the flow is not known in closed form).
    """

    title: str
    description: str
    formula: str
    source: str
    options: Mapping[str, Option]
    make: Callable[..., Way]
    references: tuple[str, ...]
    trains: bool = True

    def values(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Every option's value, those in ``given`` checked.

        Raises
        ------
        ValueError
            On an option that it does not have, or a value that is not allowed.
        """
        for key in given:
            if key not in self.options:
                raise ValueError(
                    message(
                        "this flow has no option {key!r}; it has: {options}",
                        key=key,
                        options=", ".join(self.options) or message("none"),
                    )
                )
        return {key: option.check(key, given.get(key, option.default)) for key, option in self.options.items()}


def _independent(ground: Ground) -> Way:
    pairs = ground.draw()
    return Way(ground.model, pairs, missed_by(ground.model, pairs), torch.zeros(0), exact=True)


def _network(ground: Ground) -> Way:
    return _learned(ground, ground.draw(), ground.report)


def _transport(ground: Ground, batch: int) -> Way:
    drawn, eps = ground.draw(), []
    for start in range(0, ground.pairs, MOST_GROUP):  # in parts, so that it can be stopped
        ground.report(0.3 * start / ground.pairs, message("pairing by optimal transport"))
        if ground.stop():
            raise Cancelled("stopped while pairing")
        part = slice(start, start + MOST_GROUP)
        eps.append(transport_pairs(drawn.x0[part], drawn.eps[part], batch).eps)
    return _learned(ground, Pairs(drawn.x0, torch.cat(eps)), _rest(ground.report, 0.3))


def _reflow(ground: Ground, rounds: int) -> Way:
    if isinstance(ground.model, GaussianMixture) and len(ground.model.means) == 1:
        return _reflowed_gaussian(ground)
    first = max((done for done in ground.rounds if done <= rounds), default=0)
    for k in range(first, rounds):
        flow, seconds = (ground.rounds[k].model, ground.rounds[k].seconds) if k else (ground.model, 0.0)
        report = _between(ground.report, (k - first) / (rounds - first), 1 / (rounds - first))
        way = _learned(ground, _sent(ground, flow, _between(report, 0.0, 0.4), k), _rest(report, 0.4))
        ground.rounds[k + 1] = way._replace(seconds=seconds + way.seconds)
    return ground.rounds[rounds]


def _reflowed_gaussian(ground: Ground) -> Way:
    """Exact: the flow of independent pairs carries eps to ``mean + S^(1/2) eps``, and those lines never meet."""
    mean, covariance = ground.model.mean(), ground.model.covariance()
    lengths, axes = torch.linalg.eigh(covariance)
    flow = AffineFlow(mean, axes @ torch.diag(lengths.clamp(min=0).sqrt()) @ axes.mT)
    eps = normal(ground.seed, "noise of the pairs", shape=(ground.pairs, ground.numbers))
    pairs = Pairs((eps @ flow.axes * flow.lengths) @ flow.axes.mT + mean, eps)
    return Way(flow, pairs, missed_by(flow, pairs), torch.zeros(0), exact=True)


def _coupled(ground: Ground, beta: float) -> Way:
    drawn, began = ground.draw(), time.perf_counter()
    trained = learn_coupled_flow(
        drawn.x0,
        ground.model.shape,
        beta,
        ground.iterations,
        ground.width,
        ground.seed,
        _told(ground.report, ground.iterations),
        ground.stop,
    )
    seconds = time.perf_counter() - began
    return _paired_by(trained, drawn)._replace(seconds=seconds)


def _paired_by(trained: Trained, drawn: Pairs) -> Way:
    """A learned coupling's own pairs, made from independent ones, and how far their noise is from all noise."""
    with torch.no_grad():
        mean, log_width = trained.encoder(drawn.x0)
    pairs, few = Pairs(drawn.x0, mean + log_width.exp() * drawn.eps), slice(0, COMPARED)
    return Way(
        trained.model,
        pairs,
        missed_by(trained.model, pairs),
        trained.losses,
        mismatch(mean[few], log_width[few], drawn.eps[few]),
        float(divergence(mean, log_width).mean()),
    )


def _learned(ground: Ground, pairs: Pairs, report: Report) -> Way:
    began = time.perf_counter()
    trained: Trained = learn_flow(
        pairs,
        ground.model.shape,
        ground.iterations,
        ground.width,
        ground.seed,
        _told(report, ground.iterations),
        ground.stop,
    )
    seconds = time.perf_counter() - began
    return Way(trained.model, pairs, missed_by(trained.model, pairs), trained.losses, seconds=seconds)


def _sent(ground: Ground, model: Model, report: Report, round_: int) -> Pairs:
    """Noise and where the flow carries it."""
    problem = Problem(model, make_schedule("flow"))
    count, steps = ground.sent
    times = make_grid("uniform-t", problem.schedule, steps)
    z = normal(ground.seed, "noise that is sent", round_, shape=(count, ground.numbers))

    def progress(done: int, total: int) -> None:
        report(done / total, message("following the flow before"))

    x = (problem.level(float(times[0])).sigma * z).unflatten(1, model.shape)
    run = solve(problem, SENT_SOLVER, times, x, record=False, progress=progress, cancel=ground.stop)
    if run.cancelled:
        raise Cancelled(run.message)
    return Pairs(run.final.flatten(1).float(), z.float())


def missed_by(model: Model, pairs: Pairs, most: int = 1024, levels: int = 16) -> float:
    """``E|eps - x0 - u(z_t, t)|^2`` over pairs and t: 0 exactly if no two lines meet at one time."""
    x0, eps = (part[:most].double() for part in pairs)
    schedule, total = make_schedule("flow"), 0.0
    # stratified in t: the middle of each of ``levels`` equal stretches
    for t in ((k + 0.5) / levels for k in range(levels)):
        z = ((1 - t) * x0 + t * eps).unflatten(1, model.shape)
        problem = Problem(model, schedule)
        u = (problem.eps(z, t) - problem.x0(z, t)).flatten(1)
        total += float((eps - x0 - u).square().sum(1).mean()) / levels
    return total


def _told(report: Report, iterations: int) -> Callable[[int, float], None]:
    every = max(1, iterations // 100)

    def watch(step: int, loss: float) -> None:
        if step % every == 0:
            report(
                step / iterations,
                message(
                    "training, iteration {step} of {iterations}, loss {loss:.3f}",
                    step=step,
                    iterations=iterations,
                    loss=loss,
                ),
            )

    return watch


def _between(report: Report, start: float, share: float) -> Report:
    return lambda fraction, doing: report(start + share * fraction, doing)


def _rest(report: Report, start: float) -> Report:
    return _between(report, start, 1 - start)


WAYS: Registry[WayInfo] = Registry("flow")
WAYS.add(
    "independent",
    WayInfo(
        "Independent pairs, exact",
        "Any noise goes with any data point. Its flow is known exactly for these data; nothing is trained.",
        r"(x_0, \varepsilon) \sim p(x_0)\,N(\varepsilon; 0, I)",
        "Lipman et al. 2022, arXiv 2210.02747; Liu et al. 2022, arXiv 2209.03003 (1-rectified flow)",
        {},
        _independent,
        ("lipman2022flow", "liu2022rectified"),
        trains=False,
    ),
)
WAYS.add(
    "network",
    WayInfo(
        "Independent pairs, network",
        "The same pairs, but the flow is learned by the network that the others use: shows what learning itself costs.",
        r"\min_u E\,|\varepsilon - x_0 - u(z_t, t)|^2",
        "Lipman et al. 2022, arXiv 2210.02747",
        {},
        _network,
        ("lipman2022flow",),
    ),
)
WAYS.add(
    "transport",
    WayInfo(
        "Optimal transport",
        "Within each batch, data and noise are paired so that the squared distances are least in all.",
        r"\pi = \arg\min_\pi \sum_i |\varepsilon_{\pi(i)} - x_{0,i}|^2",
        "Tong et al. 2023, arXiv 2302.00482; Pooladian et al. 2023, arXiv 2304.14772",
        {
            "batch": Option(
                256,
                "How many pairs are matched at a time; 1 is the independent pairing.",
                choices=(1, 4, 16, 64, 256, 1024),
                title="Batch of the transport",
                symbol=mark("batch"),
            )
        },
        _transport,
        ("tong2023otcfm", "pooladian2023multisample", "flamary2021pot"),
    ),
)
WAYS.add(
    "reflow",
    WayInfo(
        "Reflow",
        "Noise is paired with where the flow before carries it, and a new flow is learned from these pairs.",
        r"x_0^{(k+1)} = \mathrm{flow}_k(\varepsilon)",
        "Liu et al. 2022, arXiv 2209.03003, section 2.2",
        {
            "rounds": Option(
                1,
                "How often; once gives what is called the 2-rectified flow.",
                choices=(1, 2, 3),
                title="Rounds",
                symbol=mark("rounds"),
            )
        },
        _reflow,
        ("liu2022rectified",),
    ),
)
WAYS.add(
    "learned",
    WayInfo(
        "Learned pairing",
        "Which noise goes with a data point is learned together with the flow, held near all noise by a penalty β.",
        r"\min_{u, q} E\,|\varepsilon - x_0 - u(z_t, t)|^2 + \beta\, \mathrm{KL}(q(\varepsilon | x_0)\,\|\,N(0, I))",
        "Lee, Kim and Ye 2023, arXiv 2301.12003",
        {
            "beta": Option(
                1.0,
                "Weight of the penalty: small lets the noise follow the data, large keeps the pairs independent.",
                low=0.01,
                high=100.0,
                title="Penalty β",
                symbol="β",
            )
        },
        _coupled,
        ("lee2023curvature",),
    ),
)
