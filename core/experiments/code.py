"""The Python that computes a picture's numbers with ``core`` alone, for the user to copy."""

import re

from core.experiments.run import EXPERIMENTS
from core.experiments.specification import Specification

_FROM = {
    "make_toy": "core.data",
    "make_images": "core.data",
    "mixture_from_drawing": "core.data",
    "mixture_from_points": "core.data",
    "image_family": "core.data",
    "toy_family": "core.data",
    "GUIDANCE": "core.models.guidance",
    "make_grid": "core.grids",
    "GRIDS": "core.grids",
    "refine": "core.grids",
    "make_schedule": "core.schedules",
    "Problem": "core.problem",
    "solve": "core.solve",
    "rms_error": "core.analysis",
    "particle_error": "core.analysis",
    "order_interval": "core.analysis",
    "local_steps": "core.analysis",
    "carry_to_end": "core.analysis",
    "convergence_order": "core.analysis",
    "paired_standings": "core.analysis.ranking",
    "pick_leaders": "core.analysis.ranking",
    "train_on": "core.analysis.optimal_grids",
    "make_optimised": "core.analysis.optimal_grids",
    "median_error": "core.analysis",
    "SOLVERS": "core.solvers",
    "flow_curvature": "core.analysis",
    "polyline_curvature": "core.analysis",
    "straightness": "core.analysis",
    "flow_bends": "core.analysis",
    "polyline_torsion": "core.analysis",
    "path_length": "core.analysis",
    "principal_components": "core.analysis",
    "chord_frame": "core.analysis",
    "shape_spread": "core.analysis",
    "respond": "core.analysis",
    "spread": "core.analysis",
    "GaussianMixture": "core.models",
    "HalfPrecision": "core.models",
    "PerturbedModel": "core.models.perturbed",
    "shipped_plane": "core.models.plane",
    "measure_distance": "core.analysis.distances",
    "noise_floor": "core.analysis.distances",
    "Gaussian": "core.analysis.bounds",
    "chen_terms": "core.analysis.bounds",
    "sampled": "core.analysis.bounds",
    "total_variation": "core.analysis.bounds",
    "TEST_FUNCTIONS": "core.analysis.weak",
    "paired_weak_error": "core.analysis.weak",
    "pixel_probe": "core.analysis.weak",
    "probe_of": "core.analysis.weak",
    "strong_error": "core.analysis.weak",
    "strong_errors": "core.analysis.weak",
    "strong_order": "core.analysis.weak",
    "weak_order": "core.analysis.weak",
    "Moments": "core.analysis.propagation",
    "exact_moments": "core.analysis.propagation",
    "gaussian_wasserstein": "core.analysis.propagation",
    "propagate_solver": "core.analysis.propagation",
    "encode": "core.analysis.inversion",
    "decode": "core.analysis.inversion",
    "latent_statistics": "core.analysis.inversion",
    "unpack_picture": "core.data.pictures",
    "WAYS": "core.train.ways",
    "Ground": "core.train.ways",
}


def snippet(spec: Specification) -> str:
    """Runnable Python for a specification, from the public functions of ``core``; it repeats the numbers exactly."""
    body = EXPERIMENTS[spec.kind].write(spec)
    return f"{_imports(body)}\n\n{body}"


def _imports(body: str) -> str:
    wanted: dict[str, list[str]] = {}
    for name, module in _FROM.items():
        if re.search(rf"\b{name}[(\[]", body):
            wanted.setdefault(module, []).append(name)
    lines = [f"from {module} import {', '.join(sorted(names))}" for module, names in sorted(wanted.items())]
    libraries = [line for word, line in (("np.", "import numpy as np"), ("torch.", "import torch")) if word in body]
    return "\n".join([*libraries, *([""] if libraries else []), *lines])
