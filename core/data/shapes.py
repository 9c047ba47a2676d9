"""Point sets and component centres of the toy densities, before they are centred and scaled."""

import math

import numpy as np

from core.noise import generator

Points = np.ndarray  # (K, 2) float64


def ring(count: int = 8) -> Points:
    """``count`` places on the unit circle, the first at angle 0."""
    angle = 2 * math.pi * np.arange(count) / count
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def grid(side: int = 5) -> Points:
    """``side * side`` places on a square lattice."""
    axis = np.arange(side, dtype=float)
    return np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)


def moons(count: int = 120) -> Points:
    """Two interleaving half circles (scikit-learn)."""
    from sklearn.datasets import make_moons

    return make_moons(count, shuffle=False)[0]


def circles(count: int = 120) -> Points:
    """A circle inside another (scikit-learn)."""
    from sklearn.datasets import make_circles

    return make_circles(count, shuffle=False, factor=0.45)[0]


def swiss_roll(count: int = 140) -> Points:
    """The 2-D projection of scikit-learn's swiss roll, at points evenly spaced along it."""
    # equal steps along the spiral r = t: its arc length is close to t^2 / 2
    t = np.sqrt(np.linspace((1.5 * math.pi) ** 2, (4.5 * math.pi) ** 2, count))
    return np.stack([t * np.cos(t), t * np.sin(t)], axis=1)


def spirals(count: int = 140) -> Points:
    """Two spirals of one and a half turns, opposite each other."""
    angle = np.sqrt(np.linspace(0.15**2, 1, count // 2)) * 3 * math.pi
    arm = np.stack([angle * np.cos(angle), angle * np.sin(angle)], axis=1)
    return np.concatenate([arm, -arm])


def pinwheel(count: int = 150, arms: int = 5) -> Points:
    """Five arms of a bent normal cloud (Johnson et al. 2016, arXiv 1603.06277, section 5)."""
    cloud = generator(0, "pinwheel").standard_normal((count, 2)) * np.array([0.3, 0.05]) + np.array([1.0, 0.0])
    angle = 2 * math.pi * (np.arange(count) % arms) / arms + 0.25 * np.exp(cloud[:, 0])
    cos, sin = np.cos(angle), np.sin(angle)
    return np.stack([cloud[:, 0] * cos - cloud[:, 1] * sin, cloud[:, 0] * sin + cloud[:, 1] * cos], axis=1)


def checkerboard(cells: int = 4, points: int = 4) -> Points:
    """The dark cells of a ``cells * cells`` board, each filled with ``points * points`` places."""
    inner = (np.arange(points) + 0.5) / points
    square = np.stack(np.meshgrid(inner, inner), axis=-1).reshape(-1, 2)
    corners = [(i, j) for i in range(cells) for j in range(cells) if (i + j) % 2 == 0]
    return np.concatenate([square + np.array(corner) for corner in corners])


def letter_s(count: int = 90) -> Points:
    """The letter S as two three-quarter arcs, one above the other."""
    upper = np.linspace(0.05, 1.5, count // 2) * math.pi
    lower = np.linspace(1.5, 0.05, count // 2) * math.pi
    top = np.stack([np.cos(upper), 1 + np.sin(upper)], axis=1)
    bottom = np.stack([-np.cos(lower), -1 - np.sin(lower)], axis=1)
    return np.concatenate([top, bottom])


def face(count: int = 130) -> Points:
    """A round face with two eyes and a smile."""
    outline = ring(count // 2)
    smile_angle = np.linspace(1.15, 1.85, count // 4) * math.pi
    smile = 0.55 * np.stack([np.cos(smile_angle), np.sin(smile_angle)], axis=1)
    eye = 0.09 * ring(count // 12)
    left, right = np.array([-0.35, 0.3]), np.array([0.35, 0.3])
    return np.concatenate([outline, smile, eye + left, eye + right])
