"""What the page on guidance says; every number comes from the result."""

from typing import Any

import numpy as np

from core.language import mark, tr
from pages.common.words import listed, number

FREE = mark(r"""
**Classifier-free guidance.** $\hat\epsilon = \epsilon(x) + s\,(\epsilon(x, c) - \epsilon(x))$ with the model without
and with the class: two evaluations. $s = 0$ ignores the class, $s = 1$ is the class itself, larger scales go beyond.
(Ho and Salimans 2022, arXiv 2207.12598, write $s = 1 + w$.)
""")
JUDGED = mark(r"""
**Classifier guidance.** $\hat\epsilon = \epsilon - s\,\sigma_t\,\nabla_x \log p_t(c \mid x)$ with a classifier of
noisy samples, whose logits may be divided by a temperature. With the exact classifier this is the same field as above,
since $\nabla \log p_t(c \mid x) = \nabla \log p_t(x \mid c) - \nabla \log p_t(x)$. (Dhariwal and Nichol 2021, arXiv
2105.05233.)
""")
SPLIT = mark(r"""
**Splitting.** In $y = x/\alpha$, $\rho = \sigma/\alpha$ the guided flow is $\mathrm dy/\mathrm d\rho = \epsilon + g$.
LTSP and STSP take the push $g$ in plain Euler steps apart from the multistep rule of the model. As published both
measure order 1; Strang's symmetric splitting reaches 2. With an exact, smooth classifier the plain multistep solver
does better: raise the **roughness** to see the case that splitting was made for. (Wizadwongsa and Suwajanakorn 2023,
arXiv 2301.11558.)
""")


def guidance(result: Any) -> str:
    """What happens between the smallest and the largest scale, for the samples and for the solvers."""
    spec, first, last = result.spec, result.scales[0], result.scales[-1]
    lines = [
        tr(
            "Towards **{aim}**, {kind} guidance, {steps} steps.",
            aim=tr(spec.class_name),
            kind=tr(spec.aim.guidance.info.title).lower(),
            steps=spec.steps,
        )
    ]
    if result.judge and np.isfinite([first.sure, last.sure]).all():
        values = {
            "low": first.scale,
            "high": last.scale,
            "before": first.sure,
            "after": last.sure,
            "spread": number(first.spread),
            "at_last": number(last.spread),
        }
        lines.append(
            tr(
                "**The samples**: from s = {low:g} to {high:g} the class becomes more probable ({before:.2f} to "
                "{after:.2f}) and the spread goes from {spread} to {at_last}.",
                **values,
            )
            if last.sure > first.sure
            else tr(
                "**The samples**: from s = {low:g} to {high:g} the class becomes less probable ({before:.2f} to "
                "{after:.2f}) and the spread goes from {spread} to {at_last}.",
                **values,
            )
        )
    told = []
    for k, choice in enumerate(spec.solvers):
        errors = result.errors(k, "median")
        if np.isfinite(errors[[0, -1]]).all() and errors[0] > 0:
            told.append(
                tr(
                    "{solver} {first} to {last}",
                    solver=choice.label,
                    first=number(errors[0]),
                    last=number(errors[-1]),
                )
            )
        elif not np.isfinite(errors[-1]):
            told.append(tr("{solver} diverges at the end", solver=choice.label))
    if told:
        lines.append(tr("**The solvers** at the same steps, median error: {errors}.", errors=listed(told, mark("; "))))
    return "  \n".join(lines)
