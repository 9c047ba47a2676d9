"""What the page on straightening says; every number comes from the result."""

from typing import Any

import numpy as np
import pandas as pd

from core.language import mark, tr
from pages.common.words import listed, number

FLOW = mark(r"""
**Flow matching.** Pair data $x_0$ with noise $\epsilon$ in any way and draw the lines
$x_t = (1-t)\,x_0 + t\,\epsilon$. The velocity $v(x,t) = E[\epsilon - x_0 \mid x_t = x]$ averages over the lines that
pass a point, and its flow carries noise to data (Lipman et al. 2022, arXiv 2210.02747; Liu et al. 2022,
arXiv 2209.03003). Where no two lines meet there is nothing to average: the paths are the lines.
""")
STRAIGHT = mark(r"""
**Straightness.** $S = \int_0^1 E\,\bigl|(x_1 - x_0) - \tfrac{\mathrm dx}{\mathrm ds}\bigr|^2\,\mathrm ds$, 0 if every
path is straight and runs at even speed: then one Euler step is exact. **Disagreement.**
$E\,|\epsilon - x_0 - v(x_t,t)|^2$ is what no network can learn away, since one place has one velocity.
**Mismatch.** $\mathrm{KL}(q(\epsilon)\,\|\,N(0, I))$ with $q(\epsilon) = E_{x_0}\,q(\epsilon \mid x_0)$, the noise of
all pairs together. **Score.** $E[x_0 \mid x_t] = x_t - t\,v$ and $E[\epsilon \mid x_t] = x_t + (1-t)\,v$ hold for any
pairs, so every solver of the ODE can follow the flow; $\nabla \log p_t = -E[\epsilon \mid x_t]/t$ holds for independent
pairs alone, so samplers that draw noise cannot.
""")
WAYS = mark(r"""
**Optimal transport** pairs each batch so that $\sum |\epsilon - x_0|^2$ is least (Tong et al. 2023, arXiv 2302.00482;
Pooladian et al. 2023, arXiv 2304.14772); crossing lines would cost more than swapped ones. **Reflow** pairs noise with
where the flow before carries it, which never raises a convex cost (Liu et al. 2022). **The learned pairing** draws the
noise of a data point from $q(\epsilon \mid x_0) = N(\mu(x_0), \operatorname{diag} s^2(x_0))$ and learns $\mu, s$ and
$v$ together by $E\,|\epsilon - x_0 - v|^2 + \beta\,\mathrm{KL}(q\,\|\,N(0, I))$ (Lee, Kim and Ye 2023,
arXiv 2301.12003).
""")


def straightening(result: Any) -> str:
    """Which flow is straightest, which is least so, and what one step of each gives."""
    known = [flow for flow in result.flows if np.isfinite(flow.straightness).all()]
    lines = []
    if len(known) > 1:
        best = min(known, key=lambda flow: flow.straightness.mean())
        worst = max(known, key=lambda flow: flow.straightness.mean())
        few = result.spec.step_counts[0]
        lines.append(
            tr(
                "Straightest: **{best}** (S = {s_best}); least straight: **{worst}** (S = {s_worst}).",
                best=tr(best.label),
                worst=tr(worst.label),
                s_best=number(max(float(best.straightness.mean()), 0.0)),
                s_worst=number(float(worst.straightness.mean())),
            )
        )
        values = {"best": tr(best.label), "worst": tr(worst.label), "steps": few, "solver": result.spec.solver.label}
        values |= {"e_best": number(float(best.rms[0])), "e_worst": number(float(worst.rms[0]))}
        lines.append(
            tr(
                "One step of {solver} misses the end by {e_best} with the first, by {e_worst} with the second.",
                **values,
            )
            if few == 1
            else tr(
                "{steps} steps of {solver} miss the end by {e_best} with the first, by {e_worst} with the second.",
                **values,
            )
        )
    lines += [
        tr("**{flow}**: {why}.", flow=tr(flow.label), why=tr(flow.message)) for flow in result.flows if flow.message
    ]
    if result.astray:
        lines.append(
            tr(
                "Straight is not right: followed in small steps, these end off the data: {flows}; the exact flow "
                "ends {truth} from them. More iterations help a network, a larger β a learned pairing.",
                flows=listed(
                    tr("{flow} ({value})", flow=tr(f.label), value=number(f.fine.value)) for f in result.astray
                ),
                truth=number(result.truth.value),
            )
        )
    return "  \n".join(lines)


def flow_table(result: Any) -> pd.DataFrame:
    """What each pairing does, one row a flow."""
    few = result.spec.step_counts[0]
    return pd.DataFrame(
        [
            {
                tr("Pairing"): tr(flow.label),
                tr("Cost of pairs"): number(flow.cost),
                tr("Disagreement"): number(flow.missed),
                tr("Straightness"): number(max(float(flow.straightness.mean()), 0.0)),
                tr("Turning"): number(float(flow.turning.mean())),
                tr("Error, {steps} steps", steps=few) if few > 1 else tr("Error, 1 step"): number(float(flow.rms[0])),
                tr("Mismatch"): number(flow.mismatch),
                tr("Trained"): tr("exact") if flow.exact else tr("{time} s", time=f"{flow.seconds:.1f}"),
            }
            for flow in result.flows
        ]
    )
