"""What the pages that begin with data say; every number comes from the result."""

from typing import Any

from core.language import mark, tr
from pages.common.words import counted, listed, number

PF_ODE = mark(r"""
**Up and down one path.** The probability-flow ODE $\dot x = f x + \frac{g^2}{2\sigma}\,\epsilon_\theta(x, t)$ has one
solution through each point, so data have exactly one latent: $x$ at the first time, almost $N(0, \sigma^2)$.
(Song et al. 2020, arXiv 2011.13456, appendix D.3.)
""")
DDIM_INVERSION = mark(r"""
**DDIM inversion.** From $t$ up to $s > t$, with the prediction made at the *lower* noise level,
$$x_s = \frac{\alpha_s}{\alpha_t}\,\big(x_t - \sigma_t\,\epsilon_\theta(x_t, t)\big) +
\sigma_s\,\epsilon_\theta(x_t, t).$$
It is the DDIM step with $h = \lambda_s - \lambda_t < 0$; every other formula here is run upwards in the same way.
The way down asks the model at $x_s$ instead, which is why the two do not cancel. (Song et al. 2020, arXiv 2010.02502,
section 5.4.)
""")
EVEN_ORDERS = mark(r"""
**Why even orders gain one.** A method of order $p$ follows $\dot x = v + h^p c(x) + \dots$ On the way back $h$ has the
other sign: $(-h)^p = h^p$ for even $p$, so up and down follow the same wrong path and the leading error cancels; for
odd $p$ it doubles. A small round-trip error is therefore no proof of a right latent: look at the latent alone.
""")
LATENTS = mark(r"""
**What latents should be.** Numbers of $z = x/\sigma$ at the first time: mean 0, variance 1 (and a little of the data
where $\alpha > 0$ there), no excess kurtosis, no correlation between neighbours. The table gives what chance allows.
""")
DISTANCE = mark(r"""
**One Gaussian.** For data of variance $c^2$, $V = \alpha^2c^2 + \sigma^2$, and an exact way back to no noise, per
number
$$\mathbb{E}|x'-x|^2 = 2\,\frac{c^2\sigma^2}{V} \;\text{ (SDE: twice the least mean square error)}, \qquad
2c^2\Big(1 - \frac{\alpha c}{\sqrt V}\Big) \;\text{ (ODE)}.$$
The SDE draws a fresh member of everything that $x_t$ may have been; the ODE goes to one place, nearer on average, by
up to a factor 2 of the square where noise is weak. (Theis et al. 2022, arXiv 2206.08889.)
""")
BOOMERANG = mark(r"""
**There and back.** $x_t = \alpha_t x + \sigma_t z$ has the law $p_t$ if $x$ has that of the data, so an exact way back
ends with the law of the data again, whatever $t$: local samples, near the input for small $t$ and new for large.
(Luzi et al. 2022, arXiv 2210.12100; Meng et al. 2021, arXiv 2108.01073, begin with a sketch instead.)
""")
NEAR = 0.3  # how far a measured order may lie from one in words
UNLIKELY = 2.0  # variance of a latent
OTHER = 0.1  # RMS, for values in [-1, 1]: beyond it an image came back as another


def inversion(result: Any) -> str:
    """What is lost there and back, and at which rate it falls."""
    spec = result.spec
    kept = [solver for solver in result.solvers if not solver.at(spec.steps).message]
    lines = [
        tr(
            "**{steps} up and {count} down**: {lost}.",
            steps=counted(spec.steps, "step"),
            count=spec.steps,
            lost=listed((_lost(solver, spec.steps) for solver in result.solvers), mark("; ")),
        )
    ]
    lines += [_rate(solver) for solver in result.solvers if _reached(solver)]
    others = [solver.label for solver in result.solvers if not _reached(solver)]
    if others:
        lines.append(
            tr(
                "No order is reached by {solvers}: the errors with the most steps do not lie on a line.",
                solvers=listed(others),
            )
        )
    if result.exact is not None and spec.data.kind == "images" and any((s.error > OTHER).any() for s in kept):
        lines.append(
            tr(
                "Every image of a finite set has its own region of latents: a latent that lands across a border comes "
                "back as another image, and such jumps decide the RMS."
            )
        )
    if result.exact is not None and kept:
        worst = max(kept, key=lambda solver: solver.at(spec.steps).latent_rms)
        lines.append(
            tr(
                "The latent of {solver} itself is {distance} away from the exact one; its numbers have variance "
                "{variance:.2f}, those of the exact latents {exact:.2f}.",
                solver=worst.label,
                distance=number(worst.at(spec.steps).latent_rms),
                variance=worst.statistics.variance,
                exact=result.exact_statistics.variance,
            )
        )
    elif kept:
        spread = listed(
            tr("{solver} {variance}", solver=solver.label, variance=number(solver.statistics.variance))
            for solver in kept
        )
        lines.append(tr("Variance of the latents, which should be near 1: {variances}.", variances=spread))
        if min(solver.statistics.variance for solver in kept) > UNLIKELY:
            lines.append(
                tr("Noise is almost never so large: to this model the input is something that it does not know.")
            )
    return "  \n".join(lines)


def _lost(solver: Any, steps: int) -> str:
    trip = solver.at(steps)
    if trip.message:
        return tr("{solver} diverged", solver=solver.label)
    if trip.rms > 3 * trip.median:
        return tr(
            "{solver} loses **{error}** (half within {median})",
            solver=solver.label,
            error=number(trip.rms),
            median=number(trip.median),
        )
    return tr("{solver} loses **{error}**", solver=solver.label, error=number(trip.rms))


def _reached(solver: Any) -> bool:
    return solver.order.reliable and solver.claimed is not None


def _rate(solver: Any) -> str:
    values = {"solver": solver.label, "order": float(solver.order), "claimed": solver.claimed}
    if abs(solver.order - solver.claimed) <= NEAR:
        return tr("{solver}: measured order **{order:.2f}**, that of the solver ({claimed}).", **values)
    if solver.claimed % 2 == 0 and abs(solver.order - solver.claimed - 1) <= NEAR:
        return tr(
            "{solver}: measured order **{order:.2f}**, one more than the solver's {claimed}: the leading errors of up "
            "and down cancel.",
            **values,
        )
    return tr("{solver}: measured order **{order:.2f}**, not the solver's {claimed}.", **values)


def boomerang(result: Any) -> str:
    """How far what came back is from the input, and whether noise on the way back matters."""
    spec, lines = result.spec, []
    for solver in result.solvers:
        good = [back for back in solver.returns if not back.message]
        if not good:
            lines.append(tr("**{solver}** diverged from every level.", solver=solver.label))
            continue
        some = [good[0], good[len(good) // 2 - 1], good[-1]] if len(good) > 2 else good
        where = listed(tr("{distance} from t = {t:.2g}", distance=number(back.rms), t=back.t) for back in some)
        lines.append(
            tr(
                "**{solver}** (with noise) comes back this far from the input: **{where}**.",
                solver=solver.label,
                where=where,
            )
            if solver.stochastic
            else tr(
                "**{solver}** (ODE) comes back this far from the input: **{where}**.",
                solver=solver.label,
                where=where,
            )
        )
    if result.unrelated is not None:
        apart = number(result.unrelated)
        lines.append(
            tr("Your picture and one of the set are {distance} apart.", distance=apart)
            if spec.picture
            else tr("Two that have nothing to do with each other are {distance} apart.", distance=apart)
        )
    if result.law_floor is not None:
        lines.append(
            tr("What came back has the law of the data again as long as its distance below stays near the band.")
        )
    return "  \n".join(lines)
