"""What the curvature of paths says, in sentences; every number comes from the result."""

from typing import Any

import numpy as np

from core.figures.naming import title_of, two_digits
from core.language import mark, tr
from pages.common.words import number, sentences

CURVATURE = mark(r"""
**Curvature** of a path $x(t)$ is how fast its direction turns per unit of length, whatever its speed:
$$\kappa = \frac{\lVert x''_\perp \rVert}{\lVert x' \rVert^2},\qquad
x''_\perp = x'' - \frac{x''\cdot x'}{x'\cdot x'}\,x' .$$
**Straightness** compares the velocity with that of the straight line, in normalised time $s \in [0, 1]$:
$$\int_0^1 \Big\lVert (x_1 - x_0) - \frac{dx}{ds} \Big\rVert^2 ds .$$
**Torsion** is how fast the plane of the bend turns about the path, with $x'''_{\perp\perp}$ perpendicular to $x'$ and
$x''$; a path in a plane has none:
$$\tau = \frac{\lVert x'''_{\perp\perp} \rVert}{\lVert x' \rVert\, \lVert x''_\perp \rVert} .$$
**Height** above the chord is $h(\lambda) = u \cdot (x_\lambda - x_{\text{noise}}) / L$ for the chord's length $L$ and
the direction $u \perp$ chord in which the path once is farthest from it. **Spread** of $N$ paths, and their spread
**of form** with $h_i / \max h_i$ in place of $h_i$:
$$\sqrt{\frac{1}{N - 1} \sum_i \big\langle (h_i - \bar h)^2 \big\rangle_\lambda}
\Big/ \sqrt{\langle \bar h^2 \rangle_\lambda} .$$
""")


MEASURED = {
    "curvature": mark("Curvature: how sharply the path turns."),
    "straightness_rate": mark("Where straightness is lost: 0 where the path moves along its chord at its mean speed."),
    "torsion": mark(
        "Torsion: how fast the plane of the bend turns. Gaps: too slow or too straight to tell from rounding."
    ),
}

TURNING = mark(
    "Curvature is one over a length, and lengths differ: noise in many dimensions is long. Times the length of its "
    "path it has no unit: the angle, in radians, by which a path would turn if it bent so sharply all the way. It "
    "stays the same if data and noise are scaled, or repeated in more dimensions."
)


def curvature(result: Any) -> str:
    """Which schedule bends the paths least and most, and when they bend."""
    shapes = result.shapes
    longer = {shape.title: 100 * (float(np.nanmedian(shape.length_over_chord)) - 1) for shape in shapes}
    peak = {shape.title: f"{shape.log_snr[np.nanargmax(shape.quantiles[1])]:.1f}".replace("-", "−") for shape in shapes}
    if len(shapes) == 1:
        title = shapes[0].title
        return tr(
            "Under **{schedule}** a path is typically {longer}% longer than the straight line, and bends most near "
            "λ = {peak}.",
            schedule=tr(title),
            longer=number(longer[title]),
            peak=peak[title],
        )
    least, most = min(longer, key=longer.get), max(longer, key=longer.get)
    return tr(
        "**{least}** has the shortest ways, typically {little}% longer than a straight line; **{most}** has the longest"
        " detours, {much}%. The median path bends most near λ = {first} and λ = {second}.",
        least=tr(least),
        little=number(longer[least]),
        most=tr(most),
        much=number(longer[most]),
        first=peak[least],
        second=peak[most],
    )


def planarity(result: Any) -> str:
    """How much of a path lies in a line, a plane and three dimensions, where the plane holds least."""
    shape = min(result.shapes, key=lambda shape: shape.shares[:, :2].sum(axis=1).mean())
    one, two, three = shape.shares.mean(axis=0).cumsum()
    values = {"schedule": tr(shape.title), "one": one, "two": two, "three": three}
    if len(result.shapes) > 1:
        held = tr(
            "Even where the plane holds least, under **{schedule}**, on average {one:.2%} of its variance lies along "
            "one direction, **{two:.2%} in a plane** and {three:.3%} in three dimensions.",
            **values,
        )
    else:
        held = tr(
            "Under **{schedule}**, on average {one:.2%} of its variance lies along one direction, **{two:.2%} in a "
            "plane** and {three:.3%} in three dimensions.",
            **values,
        )
    return sentences(
        [
            tr(
                "A path could wander through all {dimensions} dimensions, but hardly does.",
                dimensions=result.spec.data.numbers,
            ),
            held,
            tr("(One round Gaussian would give exactly 100% in a plane.)"),
        ]
    )


def likeness(result: Any) -> str:
    """How alike paths are, and those of the data beside."""
    shape = result.shapes[0]
    lines = [
        tr(
            "Each path is turned so that its chord lies flat and its greatest deviation points up. The paths of images "
            "were found to be nearly planar and nearly all alike, a boomerang (Chen et al. 2023–25, arXiv 2305.19947, "
            "2405.11326, 2506.10177)."
        ),
        tr("Here, under **{schedule}**: {spread}.", schedule=tr(shape.title), spread=_spread(shape)),
    ]
    lines += [
        tr("Of **{data}**: {spread}.", data=tr(title_of(result.spec.other.data)), spread=_spread(other))
        for other in result.beside
        if other.schedule == shape.schedule
    ]
    return sentences(lines)


def _spread(shape: Any) -> str:
    heights, form = shape.unlikeness
    if not np.isfinite(heights):
        return tr("too few paths bend to be compared")
    return tr(
        "heights spread by {heights} of the mean (RMS), and by {form} if every path is scaled to its own top",
        heights=two_digits(heights),
        form=two_digits(form),
    )
