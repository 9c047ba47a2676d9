"""The same solvers elsewhere: texts that run, and agree with ours where they say that nothing differs."""

import ast
import builtins
import contextlib
import io
import math
import runpy
from pathlib import Path

import pytest
import torch

from core.experiments.peers import LIBRARIES, peer_snippet
from core.models import GaussianMixture
from core.problem import Problem
from core.schedules import make_schedule
from core.solve import solve
from core.solvers import SOLVERS, Peer

PEERS = [(name, peer) for name, info in SOLVERS.items() for peer in info.peers]
CLOUDS = GaussianMixture(torch.tensor([[2.0, 0.0], [-1.0, 1.5], [-0.5, -2.0]]), std=0.3)


def named(peers):
    return [pytest.param(name, peer, id=f"{name}-{peer.library}-{peer.name}") for name, peer in peers]


@pytest.mark.parametrize(("name", "peer"), named(PEERS))
def test_a_text_compiles_and_uses_only_what_it_declares(name, peer):
    text = peer_snippet(peer)
    compile(text, name, "exec")
    tree = ast.parse(text)
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    stored = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    imported = {alias.name for node in imports for alias in node.names}
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    own = {node.name for node in functions} | {arg.arg for node in functions for arg in node.args.args}
    assert used <= stored | imported | own | set(dir(builtins))
    assert imported <= used
    modules = {getattr(node, "module", None) or node.names[0].name for node in imports}
    assert modules <= {"torch", peer.library.replace("-", "_"), "dpm_solver_pytorch"}
    assert peer.name in text
    assert max(map(len, text.splitlines())) <= 120


def test_an_unknown_library_is_named():
    with pytest.raises(ValueError, match="k-diffusion"):
        peer_snippet(Peer("nothing", "x"))
    assert {peer.library for _, peer in PEERS} == set(LIBRARIES)


def carried_out(peer: Peer, folder: Path) -> dict:
    """What a user who saves the text as a file and runs it would have in hand."""
    file = folder / "peer.py"
    file.write_text(peer_snippet(peer))
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        names = runpy.run_path(str(file))
    assert "tensor(" in printed.getvalue()
    return names


def by_sigmas(peer: Peer) -> bool:
    """diffusers' schedulers that walk along ``sigmas``; the others count steps of the chain."""
    return peer.library == "diffusers" and peer.name not in ("DDIMScheduler", "PNDMScheduler", "DDPMScheduler")


@pytest.mark.parametrize(
    ("name", "peer"), named((n, p) for n, p in PEERS if by_sigmas(p) and not SOLVERS[n].stochastic)
)
@pytest.mark.filterwarnings("ignore::FutureWarning:diffusers", "ignore::DeprecationWarning:diffusers")
def test_diffusers_agrees_unless_its_note_says_otherwise(name, peer, tmp_path):
    names = carried_out(peer, tmp_path)
    sigmas = torch.unique(torch.as_tensor(names["scheduler"].sigmas, dtype=torch.float64)).flip(0)
    problem = Problem(CLOUDS, make_schedule("ddpm-linear"))
    to_zero = float(sigmas[-1]) == 0
    times = problem.schedule.time_of(-torch.log(sigmas[sigmas > 0]))
    scaled = float(names["scheduler"].init_noise_sigma) != 1  # it works on x/alpha
    start = torch.randn(4, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    start = start * float(names["scheduler"].init_noise_sigma)
    x = start * problem.schedule.alpha(times[0]) if scaled else start
    ours = solve(problem, name, times, x, final="denoise" if to_zero else "solver").final
    off = float((ours - names["x"]).abs().max())
    differs = "differ" in peer.note or "multistep one too" in peer.note
    assert math.isfinite(off)
    assert (1e-4 < off < 0.2) if differs else off < 2e-5  # its steps are rounded to float32
