"""The ADM UNet beside OpenAI's own code: images a second with the same weights, in one run on one machine.

``python -m benchmarks.adm --original path/to/guided-diffusion [--threads 2] [--batch 16] [--rounds 7]``. Without the
checkout only our own figures are given. Contestants take turns; each figure is the best round whose CPU time kept up
with its wall time, since a thread that waits for a busy core says nothing about the code. On a GPU (``--device cuda``)
the original runs in its float16, ours in float16 and bfloat16 with CUDA graphs, as a share of the rate of one large
matrix product. "Off by" is the largest difference of outputs from the first network in float32 on the CPU, relative to
the largest output: against a float16 contestant nobody could be seen to be more precise than it.
"""

import argparse
import copy
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from benchmarks.peers.guided import original_unet
from core.models.adm import UNet

SIDE, CLASSES = 32, 11
SHARED = {
    "image_size": SIDE,
    "in_channels": 3,
    "out_channels": 3,
    "num_classes": CLASSES,
    "num_head_channels": 32,
    "use_scale_shift_norm": True,
    "resblock_updown": True,
}
SIZES = {
    "32 channels, 1 block": {"model_channels": 32, "num_res_blocks": 1, "attention_resolutions": (4,)},
    "64 channels, 1 block": {"model_channels": 64, "num_res_blocks": 1, "attention_resolutions": (2, 4)},
    "64 channels, 2 blocks": {"model_channels": 64, "num_res_blocks": 2, "attention_resolutions": (2, 4)},
    "96 channels, 2 blocks": {"model_channels": 96, "num_res_blocks": 2, "attention_resolutions": (2, 4)},
}
BUSY = 0.9  # CPU time over wall time and threads, below which a round was disturbed


@dataclass
class Contestant:
    """One network as it would be used, and what it took."""

    name: str
    call: Callable[[], Tensor]
    times: list[float] = field(default_factory=list)
    undisturbed: list[float] = field(default_factory=list)

    @property
    def best(self) -> float:
        """Seconds of the best round, an undisturbed one if there was any."""
        return min(self.undisturbed or self.times)


def fill(net: nn.Module) -> nn.Module:
    """Random weights everywhere, so that no branch is silent."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in net.parameters():
            weight.copy_(torch.randn(weight.shape, generator=generator) * 0.05)
    return net.eval().requires_grad_(False)


def contestants(
    original: type[nn.Module] | None, size: dict, batch: int, device: str
) -> tuple[list[Contestant], Callable[[], Tensor]]:
    """The same weights and inputs for everyone, and the float32 output on the CPU that all are judged by."""
    arguments = SHARED | {"channel_mult": (1, 2, 2)} | size
    ours = fill(UNet(**arguments))
    generator = torch.Generator().manual_seed(1)
    given = (
        torch.randn(batch, 3, SIDE, SIDE, generator=generator),
        torch.rand(batch, generator=generator) * 1000,
        torch.randint(0, CLASSES, (batch,), generator=generator),
    )
    x, t, y = (value.to(device) for value in given)
    cuda = device == "cuda"
    judge, found = ours, []
    if original is not None:
        judge = original(**arguments)
        judge.load_state_dict(ours.state_dict())
        judge = judge.eval().requires_grad_(False)
        theirs = copy.deepcopy(judge).to(device)
        if cuda:
            theirs.dtype = torch.float16
            theirs.convert_to_fp16()
        found.append(Contestant(f"original, {'float16' if cuda else 'float32'}", lambda: theirs(x, t, y=y)))
    for dtype in (torch.float16, torch.bfloat16) if cuda else (torch.float32, torch.bfloat16):
        net = UNet(**arguments)
        net.load_state_dict(ours.state_dict())
        net = net.eval().requires_grad_(False).to(device, memory_format=torch.channels_last).convert_to(dtype)
        placed = x.contiguous(memory_format=torch.channels_last)
        call = graphed(net, placed, t, y) if cuda else (lambda net=net, placed=placed: net(placed, t, y=y))
        found.append(Contestant(f"ours, {str(dtype).removeprefix('torch.')}", call))
    return found, lambda: judge(*given[:2], y=given[2])


def graphed(net: nn.Module, x: Tensor, t: Tensor, y: Tensor) -> Callable[[], Tensor]:
    """The network as one CUDA graph: launching hundreds of small kernels one by one costs more than they do."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())  # weights and inputs may still be on their way
    with torch.cuda.stream(side):
        for _ in range(3):
            net(x, t, y=y)
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        out = net(x, t, y=y)

    def replay() -> Tensor:
        graph.replay()
        return out

    return replay


def race(runners: list[Contestant], rounds: int, threads: int, device: str) -> None:
    """Everyone in turn, ``rounds`` times, each for at least a quarter of a second."""
    wait = torch.cuda.synchronize if device == "cuda" else (lambda: None)
    repeats = []
    for one in runners:
        one.call()
        began = time.perf_counter()
        one.call()
        wait()
        repeats.append(max(1, int(0.25 / (time.perf_counter() - began))))
    for turn in range(rounds):
        order = list(zip(runners, repeats, strict=True))
        for one, count in order if turn % 2 == 0 else reversed(order):
            began, used = time.perf_counter(), time.process_time()
            for _ in range(count):
                one.call()
            wait()
            took, busy = time.perf_counter() - began, time.process_time() - used
            one.times.append(took / count)
            if device == "cuda" or busy >= BUSY * threads * took:
                one.undisturbed.append(took / count)


def matrix_rate(dtype: torch.dtype) -> float:
    """Floating-point operations a second of one large matrix product on the GPU."""
    a = torch.randn(8192, 8192, device="cuda").to(dtype)
    best = float("inf")
    for _ in range(10):
        torch.cuda.synchronize()
        began = time.perf_counter()
        a @ a
        torch.cuda.synchronize()
        best = min(best, time.perf_counter() - began)
    return 2 * 8192**3 / best


def operations(size: dict) -> float:
    """Floating-point operations of one image."""
    from torch.utils.flop_counter import FlopCounterMode

    net = UNet(**SHARED | {"channel_mult": (1, 2, 2)} | size).eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        net(torch.zeros(1, 3, SIDE, SIDE), torch.zeros(1), y=torch.zeros(1, dtype=torch.long))
    return float(counter.get_total_flops())


@torch.inference_mode()
def main() -> None:
    line = argparse.ArgumentParser(prog="python -m benchmarks.adm", description=__doc__.splitlines()[0])
    line.add_argument("--original", type=Path, help="checkout of github.com/openai/guided-diffusion")
    line.add_argument("--threads", type=int, default=2)
    line.add_argument("--batch", type=int, default=16)
    line.add_argument("--rounds", type=int, default=7)
    line.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    chosen = line.parse_args()
    torch.set_num_threads(chosen.threads)
    original = original_unet(chosen.original) if chosen.original else None
    where = torch.cuda.get_device_name() if chosen.device == "cuda" else platform.processor() or platform.machine()
    print(f"{where}, {chosen.threads} threads, batch {chosen.batch}, {SIDE}x{SIDE}, PyTorch {torch.__version__}")
    for title, size in SIZES.items():
        runners, judge = contestants(original, size, chosen.batch, chosen.device)
        race(runners, chosen.rounds, chosen.threads, chosen.device)
        exact, first = judge(), runners[0].best
        weights = sum(p.numel() for p in UNet(**SHARED | {"channel_mult": (1, 2, 2)} | size).parameters()) / 1e6
        flops = operations(size) * chosen.batch
        print(f"\n{title}, {weights:.1f}M weights, {flops / chosen.batch / 1e9:.2f} GFLOP an image")
        for one in runners:
            off = float((one.call().float().cpu() - exact).abs().max() / exact.abs().max())
            told = (
                f"  {one.name:20s} {1000 * one.best / chosen.batch:7.3f} ms an image, {chosen.batch / one.best:7.1f} "
                f"images/s, {first / one.best:5.2f} x the first, off by {off:.1e}"
            )
            if chosen.device == "cuda":
                dtype = torch.bfloat16 if "bfloat16" in one.name else torch.float16
                told += f", {flops / one.best / matrix_rate(dtype):.0%} of a matrix product's rate"
            print(told + ("" if one.undisturbed else "  (disturbed in every round)"))


if __name__ == "__main__":
    main()
