"""What the pages on noise say; every number comes from the result."""

from typing import Any

from core.analysis.distances import DISTANCES
from core.language import mark, tr
from core.solvers import SOLVERS
from pages.common.words import counted, listed, number, sentences

SDE = mark(r"""
**One family of equations.** For every $\eta \ge 0$ the equation
$$\mathrm{d}x = \Big[f x - \tfrac{1+\eta^2}{2}\, g^2\, \nabla \log p_t(x)\Big]\mathrm{d}t + \eta\, g\,\mathrm{d}\bar w$$
has the same densities $p_t$: more noise, and more pull towards the data that undoes it. $\eta = 0$ is the
probability-flow ODE, $\eta = 1$ the reverse SDE of Song et al. 2020 (arXiv 2011.13456).
""")
WHY = mark(r"""
**Why noise can help.** The extra part is a Langevin step, which draws any wrong density towards $p_t$ as the *score*
sees it. Errors made earlier are forgotten at a rate that grows with $\eta^2$; in an ODE they are carried to the end.
**Why it can hurt.** It uses the score more ($(1+\eta^2)/2$ in place of $1/2$), so errors of the score made now weigh
more, and every step has more to resolve. (Karras et al. 2022, arXiv 2206.00364, section 4; Xu et al. 2023, arXiv
2306.14878.)
""")
PERTURBED = mark(r"""
**The wrong score.** With $u = x/\sqrt{\alpha^2+\sigma^2}$ the error is added to
$v = (\alpha\,\epsilon - \sigma\,x_0)/\sqrt{\alpha^2+\sigma^2}$: a sum of random waves in $u$ and $\lambda$ (or $u$
itself: a score that takes too much for noise), scaled at every $\lambda$ to the given root mean square over the exact
marginal. A trained network can take its place.
""")
DISTANCE = mark(r"""
**Intervals and floor.** Every distance is the mean over several sets of exact samples; its interval holds 95 % over
draws of the particles with replacement. The band is the same distance between two sets of exact samples of that size:
inside it nothing can be told. Two amounts of noise are compared draw by draw, with the same particles and the same
exact samples, so that common chance cancels.
""")


def sweep(result: Any) -> str:
    """What more noise does to the distance under either score, as far as the intervals allow to say it."""
    spec = result.spec
    head = tr(
        "**{solver}**, {nfe} evaluations, {particles}, {distance} distance to the data.",
        solver=spec.solver.label,
        nfe=spec.nfe,
        particles=counted(spec.particles, "particle"),
        distance=tr(DISTANCES[spec.distance].title),
    )
    lines = [_one(result, "exact", tr("With the **exact score**"))]
    if result.of("wrong"):
        lines.append(_one(result, "wrong", tr("With the **wrong score** ({wrong})", wrong=tr(result.wrong))))
    return "  \n".join([head, *lines])


def _one(result: Any, score: str, opening: str) -> str:
    points = [point for point in result.of(score) if not point.measured.message]
    if len(points) < 2:
        return tr("{opening} too few runs reached the end to compare.", opening=opening)
    info = SOLVERS[result.spec.solver.name]
    knob = info.options[info.knob.option].symbol or info.knob.option.replace("_", " ")
    best, most = result.best(score), points[-1]
    lines = [_more(opening, knob, points[0], best)]
    if most is not best:
        _, low, _ = most.measured.above(best.measured)
        values = {"knob": knob, "at": most.value, "distance": number(most.measured.value)}
        lines.append(
            tr("At {knob} = {at:g} it is {distance}: **too much costs**.", **values)
            if low > 0
            else tr("At {knob} = {at:g} it is {distance}, which may be chance.", **values)
        )
    if best.measured.value <= result.floor.high:
        lines.append(tr("The best cannot be told from exact samples."))
    return sentences(lines)


def _more(opening: str, knob: str, least: Any, best: Any) -> str:
    """What the best amount of noise gains over the least."""
    values = {"opening": opening, "knob": knob, "at": least.value, "distance": number(least.measured.value)}
    if best is least:
        return tr("{opening} the distance is {distance} at {knob} = {at:g}, the least of all.", **values)
    difference, _, high = best.measured.above(least.measured)
    values |= {"least": number(best.measured.value), "best": best.value}
    if high < 0:
        return tr(
            "{opening} the distance is {distance} at {knob} = {at:g} and least, {least}, at {knob} = {best:g}: **it "
            "helps** (by {gain}, at least {sure}).",
            gain=number(-difference),
            sure=number(-high),
            **values,
        )
    return tr(
        "{opening} the distance is {distance} at {knob} = {at:g} and least, {least}, at {knob} = {best:g}; the "
        "difference may be chance.",
        **values,
    )


STRONG_WEAK = mark(r"""
**Strong order** $p$: on one Brownian path $W$, $\big(\mathbb{E}\,|X^{(n)} - X|^2\big)^{1/2} \le C\,n^{-p}$: every path
comes right. **Weak order** $q$: $\big|\mathbb{E} f(X^{(n)}) - \mathbb{E} f(X)\big| \le C_f\,n^{-q}$: the law comes
right, which is all that a sample needs. Euler-Maruyama has strong order 1/2 in general and 1 here, since the noise of a
diffusion model does not depend on the state; its weak order is 1. (Kloeden and Platen 1992, chapters 9 and 10.)
""")
CLOSED_FORM = mark(r"""
**One Gaussian.** Its exact prediction is linear in the particle, so a sampler maps Gaussians to Gaussians:
$m' = A m + b$, $P' = A P A^\top + s^2 I$ step by step. The distance of the last from the exact law,
$W_2^2 = |m-m'|^2 + \operatorname{tr}\big(P + P' - 2 (P^{1/2} P' P^{1/2})^{1/2}\big)$, needs no sample at all.
""")


ORDERS = {
    "strong": {
        "unclaimed": mark("strong: none claimed"),
        "measured": mark("strong: none claimed, measured {order:.2f}"),
        "unmeasured": mark("strong {claimed:g} claimed, not measurable with these particles"),
        "kept": mark("strong **{order:.2f}**, as claimed ({claimed:g})"),
        "more": mark("strong **{order:.2f}**, more than claimed ({claimed:g})"),
        "less": mark("strong **{order:.2f}**, less than claimed ({claimed:g})"),
    },
    "weak": {
        "unclaimed": mark("weak: none claimed"),
        "measured": mark("weak: none claimed, measured {order:.2f}"),
        "unmeasured": mark("weak {claimed:g} claimed, not measurable with these particles"),
        "kept": mark("weak **{order:.2f}**, as claimed ({claimed:g})"),
        "more": mark("weak **{order:.2f}**, more than claimed ({claimed:g})"),
        "less": mark("weak **{order:.2f}**, less than claimed ({claimed:g})"),
    },
}


def orders(result: Any) -> str:
    """Which orders are reached, as far as the intervals tell."""
    lines = []
    for one in result.samplers:
        kinds = (("strong", one.strong_order, one.claimed_strong), ("weak", one.weak_order, one.claimed_weak))
        parts = [
            tr(ORDERS[kind][_verdict(interval, claimed)], order=interval[0], claimed=claimed)
            for kind, interval, claimed in kinds
        ]
        lines.append(tr("**{sampler}**: {orders}.", sampler=one.label, orders=listed(parts, mark("; "))))
    if not result.exact_law and any(one.strong_order[0] < 0.85 for one in result.samplers):
        lines.append(
            tr(
                "Where the data have several modes, a few particles near a border go to another mode in one run than "
                "in the next: they alone keep the strong error up. Choose the Gaussian to see it gone."
            )
        )
    return "  \n".join(lines)


def _verdict(interval: tuple[float, float, float], claimed: float | None) -> str:
    """A key of what ``ORDERS`` can say."""
    order, low, high = interval
    if claimed is None:
        return "measured" if order == order else "unclaimed"
    if order != order:
        return "unmeasured"
    if high >= claimed - 0.2 and low <= claimed + 0.2:
        return "kept"
    return "more" if low > claimed else "less"


CHEN = mark(r"""
**Chen, Chewi, Li, Li, Salim and Zhang 2022** (arXiv 2209.11215). For $\mathrm{d}x = -x\,\mathrm{d}t +
\sqrt2\,\mathrm{d}w$, data $q$ with root second moment $m$ whose score has Lipschitz constant $L$ at all times, steps
$h \lesssim 1/L$ and a score with $L^2$ error $\varepsilon$,
$$\mathrm{TV}(p, q) \;\lesssim\; \underbrace{\sqrt{\mathrm{KL}(q\,\|\,N(0,I))}\;e^{-T}}_{\text{start}} +
\underbrace{\big(L\sqrt{d h} + L m h\big)\sqrt T}_{\text{steps}} + \underbrace{\varepsilon\sqrt T}_{\text{score}} .$$
The sign $\lesssim$ hides constants that are not known; the score need not be right everywhere, only on average.
""")
LEE = mark(r"""
**Lee, Lu and Tan 2023** (arXiv 2209.12381). Without any smoothness of the data, for bounded support or light tails,
an $L^2$-accurate score still gives a guarantee in Wasserstein distance, with polynomially many steps: one stops at
$\delta > 0$, where the law is a smoothed copy of the data, $W_2 \le \sqrt{(1-e^{-\delta})^2 m^2 + d\,(1-e^{-2\delta})}$
away. The price is that the score there changes over distances of $\sqrt\delta$, so steps must shrink with $\delta$.
For smoother data it is a guarantee in total variation.
""")


LEADING = {
    "start": mark(
        "The exact error is **{exact}** in total variation; the bound, with its constants at 1, is {bound}, most of it "
        "from the **start**."
    ),
    "steps": mark(
        "The exact error is **{exact}** in total variation; the bound, with its constants at 1, is {bound}, most of it "
        "from the **steps**."
    ),
    "score": mark(
        "The exact error is **{exact}** in total variation; the bound, with its constants at 1, is {bound}, most of it "
        "from the **score**."
    ),
}


def bounds(result: Any) -> str:
    """What the exact error is, which term of the bound leads, and how the exact parts fall."""
    terms = result.terms._asdict()
    first = [tr(LEADING[max(terms, key=terms.get)], exact=number(result.here), bound=number(result.terms.whole))]
    if result.terms.whole > 1:
        first.append(tr("A bound above 1 says nothing, since total variation never is."))
    lines = [
        sentences(first),
        tr(
            "Each part alone, measured: the error of the **start** falls as $e^{{{horizon:.2f}\\,T}}$ (the bound: "
            "$e^{{-T}}$), that of the **steps** as $h^{{{step:.2f}}}$ (the bound: $h^{{0.5}}$), that of the **score** "
            "as $\\varepsilon^{{{error:.2f}}}$ (the bound: $\\varepsilon$).",
            **result.slopes,
        ),
    ]
    if result.slopes["horizon"] < -1.5:
        lines.append(
            tr(
                "The start is forgotten twice: $e^{-T}$ of the data is left at T, and of what is wrong there only "
                "$e^{-T}$ reaches the end. The bound counts the first alone."
            )
        )
    return "  \n".join(lines)


def stopping(result: Any) -> str:
    """Where stopping is best for a point, and why neither earlier nor later."""
    at = int(result.stopped.argmin())
    return tr(
        "Shrink the Gaussian to a point: its score grows without bound as t falls to 0. With steps of h = {step:g} "
        "stopping at δ = {stop:.2g} is best (distance {distance}). Later, the noise that is left costs; earlier, the "
        "steps are too long for a score that changes over distances of √δ.",
        step=result.spec.step,
        stop=result.stops[at],
        distance=number(result.stopped[at]),
    )
