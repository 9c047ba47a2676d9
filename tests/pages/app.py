"""What the page tests share: open a page by its link, read its charts."""

import base64
import json
from pathlib import Path

import numpy as np
from streamlit.testing.v1 import AppTest

from tests.scenes import read_scene

ROOT = Path(__file__).resolve().parents[2]
PAGES = (
    "start",
    "schedules",
    "solvers",
    "trajectories",
    "convergence",
    "curvature",
    "order_table",
    "grid_map",
    "time_grids",
    "recommend",
    "local_error",
    "precision",
    "straightening",
    "guidance",
    "noise",
    "sde_orders",
    "bounds",
    "inversion",
    "boomerang",
)
PLAIN = ("bounds",)  # 2-D alone, and no particle is drawn
SMALL = {"particles": "4"}  # quick


def opened(page: str, **params: str) -> AppTest:
    """The page as a fresh visitor sees it who follows a link with these parameters."""
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    for name, value in params.items():
        at.query_params[name] = value
    at.switch_page(f"pages/{page}.py").run()
    return at


def link(at: AppTest) -> dict[str, str]:
    """Parameters of the address in the address bar."""
    return {name: value[0] if isinstance(value, list) else value for name, value in dict(at.query_params).items()}


def charts(at: AppTest) -> list[dict]:
    """Each chart's specification."""
    return [json.loads(chart.proto.spec) for chart in at.get("plotly_chart")]


def scenes(at: AppTest) -> list[tuple[dict, dict[str, np.ndarray]]]:
    """Head and arrays of each player's scene."""
    players = [box.proto for box in at.get("bidi_component") if box.proto.component_name.startswith("solverscope_play")]
    return [read_scene(player.bytes) for player in players]


def alts(at: AppTest) -> list[str]:
    """Each picture's alternative text, players first."""
    return [head["alt"] for head, _ in scenes(at)] + [chart.proto.alt for chart in at.get("plotly_chart")]


def arrays(value: object) -> list[np.ndarray]:
    """Every typed array inside a chart's specification."""
    if isinstance(value, list):
        return [found for part in value for found in arrays(part)]
    if not isinstance(value, dict):
        return []
    if isinstance(value.get("bdata"), str):
        return [np.frombuffer(base64.b64decode(value["bdata"]), value["dtype"])]
    return [found for part in value.values() for found in arrays(part)]


def data_of(at: AppTest) -> str:
    """The pictures' data as text, to be compared."""
    drawn = [{name: values.tolist() for name, values in arrays.items()} for _, arrays in scenes(at)]
    return json.dumps([drawn, *(chart["data"] for chart in charts(at))], sort_keys=True)


def said(at: AppTest) -> str:
    """Everything that warns."""
    return " ".join(warning.value for warning in at.warning)
