"""The time slider of figures whose frames run in the browser."""

import numpy as np

from core.experiments.trajectories import TrajectoriesResult
from core.figures.style import FAINT, LABEL, NEUTRAL

FRAME_MS = 350


def time_slider(result: TrajectoriesResult, shown: np.ndarray) -> dict:
    """One rung for each of the steps ``shown``, (F,) indices of the grid; frame k is named ``str(k)``."""
    steps = [
        {
            "label": f"t = {result.times[step]:.3g}, λ = {result.log_snr[step]:.2f}",
            "method": "animate",
            "args": [[str(k)], {"mode": "immediate", "frame": {"duration": 0, "redraw": True}}],
        }
        for k, step in enumerate(shown)
    ]
    return {
        "active": len(steps) - 1,
        "steps": steps,
        "x": 0,
        "len": 1,
        "y": 0,
        "yanchor": "top",
        "pad": {"t": 66, "l": 12, "r": 12},
        "currentvalue": {"xanchor": "right", "font": {"size": 15, "color": LABEL}},
        "ticklen": 0,
        "minorticklen": 0,
        "font": {"size": 1, "color": "rgba(0,0,0,0)"},  # t and lambda stand above the slider, not below every step
        "bgcolor": FAINT,
        "bordercolor": "rgba(0,0,0,0)",
        "transition": {"duration": 0},
    }


def play_buttons() -> dict:
    """Play from the start, and pause."""
    play = {"mode": "immediate", "fromcurrent": False, "frame": {"duration": FRAME_MS, "redraw": True}}
    play["transition"] = {"duration": 0}
    pause = {"mode": "immediate", "frame": {"duration": 0, "redraw": False}, "transition": {"duration": 0}}
    return {
        "type": "buttons",
        "direction": "right",
        "showactive": False,
        "x": 0,
        "y": 0,
        "xanchor": "left",
        "yanchor": "top",
        "pad": {"t": 58},
        "bgcolor": "rgba(0,0,0,0)",
        "bordercolor": NEUTRAL,
        "font": {"size": 14},
        "buttons": [
            {"label": "Play", "method": "animate", "args": [None, play]},
            {"label": "Pause", "method": "animate", "args": [[None], pause]},
        ],
    }
