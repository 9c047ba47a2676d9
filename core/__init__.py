"""Noise schedules, time grids, exact and learned models, and the solvers that carry noise to data.

Nothing in this package needs a browser: import it from a notebook, or run ``python -m core --help``.

Notation everywhere: ``x_t = alpha_t x0 + sigma_t eps``; ``lambda_t = log(alpha_t / sigma_t)`` is the half
log-SNR; ``t`` runs from ``t_max`` (noise) down to ``t_min`` (data).
"""

__version__ = "0.1.0"
