"""The ADM networks keep the format and the outputs of the public ones, and the properties that make them trainable.

``adm_facts.json`` was recorded from OpenAI's guided-diffusion itself: a digest of names and shapes for every released
configuration, and outputs of small networks whose weights are filled by the formula of :func:`fill`.
"""

import hashlib
import json
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from core.models.adm import NETWORKS, PRESETS, Classifier, SuperResUNet, UNet
from core.models.adm.attention import AttentionBlock, AttentionPool
from core.models.adm.blocks import ResBlock
from core.models.adm.layers import GroupNorm32, timestep_embedding

FACTS = json.loads((Path(__file__).parent / "adm_facts.json").read_text())
SMALL = {
    "image_size": 8,
    "in_channels": 3,
    "model_channels": 32,
    "out_channels": 3,
    "num_res_blocks": 1,
    "attention_resolutions": (2,),
    "channel_mult": (1, 2),
}


def digest(net: nn.Module) -> str:
    """Names and shapes of all weights as one number."""
    lines = [f"{name} {tuple(value.shape)}" for name, value in sorted(net.state_dict().items())]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def fill(net: nn.Module) -> nn.Module:
    """Weights by formula: sines of the index, scaled by the square root of what each output adds up."""
    with torch.no_grad():
        for i, weight in enumerate(net.parameters()):
            index = torch.arange(weight.numel(), dtype=torch.float64)
            fan = weight[0].numel() if weight.dim() > 1 else 4
            weight.copy_((torch.sin(0.37 * index + i).view(weight.shape) / fan**0.5).float())
    return net.eval()


def wave(*shape: int) -> Tensor:
    return torch.sin(0.61 * torch.arange(torch.Size(shape).numel(), dtype=torch.float64) + 0.2).float().view(shape)


def noised(net: nn.Module, seed: int = 0) -> nn.Module:
    """Random weights everywhere, so that no branch is silent."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in net.parameters():
            weight.copy_(0.1 * torch.randn(weight.shape, generator=generator))
    return net.eval()


@pytest.mark.parametrize("name", FACTS["cases"])
def test_small_networks_match_the_public_ones(name):
    case = FACTS["cases"][name]
    arguments = case["arguments"]
    net = fill(NETWORKS[case["network"]](**arguments))
    assert digest(net) == case["digest"]
    inputs = {}
    if arguments.get("num_classes"):
        inputs["y"] = torch.tensor([4, 1])
    if case["network"] == "SuperResUNet":
        inputs["low_res"] = wave(2, 3, 4, 4).flip(0)
    with torch.no_grad():
        output = net(wave(2, 3, *(16,) * arguments.get("dims", 2)), torch.tensor([3.0, 712.5]), **inputs).flatten()
    seen = output[:: max(1, len(output) // 12)][:12]
    torch.testing.assert_close(seen, torch.tensor(case["output"]), rtol=0, atol=1e-5 * case["largest"])


def test_names_and_shapes_of_one_network_in_full():
    case = FACTS["cases"]["everything"]
    net = UNet(**case["arguments"])
    assert {name: list(value.shape) for name, value in net.state_dict().items()} == FACTS["keys"]["everything"]


@pytest.mark.parametrize("name", [name for name in PRESETS if PRESETS[name].weights.endswith(".pt")])
def test_presets_have_the_names_and_shapes_of_the_released_weights(name):
    preset = PRESETS[name]
    # the README of the release gives one line for the three LSUN scenes
    facts = "lsun_bedroom.pt" if preset.weights in ("lsun_cat.pt", "lsun_horse.pt") else preset.weights
    with torch.device("meta"):
        net = preset.build()
    assert digest(net) == FACTS["released"][facts]


@pytest.mark.parametrize(
    ("name", "millions"),
    [
        ("imagenet-64", 296),
        ("imagenet-128", 422),
        ("imagenet-256", 554),
        ("imagenet-512", 559),
        ("classifier-64", 65),
        ("classifier-128", 43),
        ("classifier-256", 54),
        ("classifier-512", 54),
    ],
)
def test_sizes_agree_with_the_paper(name, millions):
    # Dhariwal and Nichol 2021, the tables of hyperparameters in the appendix
    with torch.device("meta"):
        net = PRESETS[name].build()
    assert round(sum(weight.numel() for weight in net.parameters()) / 1e6) == millions


def test_presets_say_how_they_were_trained():
    assert PRESETS["imagenet-64"].schedule == "ddpm-cosine"
    assert PRESETS["classifier-64"].schedule == "ddpm-cosine"
    assert PRESETS["imagenet-256-uncond"].arguments["num_classes"] is None
    released = [preset for preset in PRESETS.values() if preset.weights.endswith(".pt")]
    assert len(released) == 15
    for preset in released:
        assert preset.learned_sigma == (preset.arguments["out_channels"] == 6)
        assert (preset.prediction == "eps") == (preset.network != "Classifier")
    digits = PRESETS["digits"]
    assert digits.shape == (1, 8, 8)
    assert digits.arguments["num_classes"] == digits.classes + 1 == digits.null_label + 1


@pytest.mark.parametrize("resblock_updown", [False, True])
def test_a_fresh_network_returns_zero(resblock_updown):
    net = UNet(**SMALL, resblock_updown=resblock_updown, use_scale_shift_norm=True)
    assert torch.equal(net(wave(2, 3, 8, 8), torch.tensor([1.0, 900.0])), torch.zeros(2, 3, 8, 8))
    classifier = Classifier(**SMALL | {"out_channels": 4})
    assert torch.equal(classifier(wave(2, 3, 8, 8), torch.tensor([1.0, 900.0])), torch.zeros(2, 4))


def naive_attention(x: Tensor, block: AttentionBlock) -> Tensor:
    """Head by head and position by position, with an explicit softmax, in float64."""
    n, channels, *space = x.shape
    weight = {name: value.double() for name, value in block.state_dict().items()}
    groups = x.double().reshape(n, 32, -1)
    normal = (groups - groups.mean(2, keepdim=True)) / (groups.var(2, keepdim=True, correction=0) + 1e-5).sqrt()
    normal = normal.reshape(n, channels, -1) * weight["norm.weight"][:, None] + weight["norm.bias"][:, None]
    qkv = weight["qkv.weight"][..., 0] @ normal + weight["qkv.bias"][:, None]
    width = channels // block.heads
    mixed = torch.empty_like(normal)
    for head in range(block.heads):
        if block.new_order:
            starts = [part * channels + head * width for part in range(3)]
        else:
            starts = [(3 * head + part) * width for part in range(3)]
        query, key, value = (qkv[:, start : start + width] for start in starts)
        for i in range(normal.shape[2]):
            logits = (query[:, :, i, None] * key).sum(1) / width**0.5
            chances = logits.exp() / logits.exp().sum(1, keepdim=True)
            mixed[:, head * width : (head + 1) * width, i] = (value * chances[:, None]).sum(2)
    out = weight["proj_out.weight"][..., 0] @ mixed + weight["proj_out.bias"][:, None]
    return x.double() + out.view(n, channels, *space)


@pytest.mark.parametrize("new_order", [False, True])
@pytest.mark.parametrize("heads", [1, 4])
def test_attention_equals_an_explicit_softmax(new_order, heads):
    block = noised(AttentionBlock(64, heads, new_order=new_order))
    x = 2 * wave(2, 64, 3, 5)
    torch.testing.assert_close(block(x).double(), naive_attention(x, block), rtol=1e-5, atol=1e-5)
    last = x.contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(block(last), block(x), rtol=1e-4, atol=1e-4)


def test_the_two_attention_orders_are_permutations_of_one_another():
    old, new = noised(AttentionBlock(64, 4, new_order=False)), AttentionBlock(64, 4, new_order=True)
    state = old.state_dict()
    for name in ("qkv.weight", "qkv.bias"):
        rows = state[name].unflatten(0, (4, 3, 16))
        state[name] = rows.transpose(0, 1).flatten(0, 2)
    x = wave(2, 64, 4, 4)
    assert not torch.allclose(new(x), old(x), atol=1e-3)
    new.load_state_dict(state)
    torch.testing.assert_close(new(x), old(x))


def test_attention_pool_equals_full_attention_read_at_the_mean():
    pool = noised(AttentionPool(3, 32, 16, 5))
    x = wave(2, 32, 3, 3)
    tokens = torch.cat([x.flatten(2).mean(2, keepdim=True), x.flatten(2)], dim=2) + pool.positional_embedding
    query, key, value = pool.qkv_proj(tokens).chunk(3, dim=1)
    heads = []
    for q, k, v in zip(query.split(16, 1), key.split(16, 1), value.split(16, 1), strict=True):
        chances = torch.softmax(q.transpose(1, 2) @ k / 4, dim=2)
        heads.append(v @ chances.transpose(1, 2))
    expected = pool.c_proj(torch.cat(heads, dim=1))[:, :, 0]
    torch.testing.assert_close(pool(x), expected, rtol=1e-4, atol=1e-5)


def test_time_embedding_has_its_closed_form():
    times = torch.tensor([0.0, 0.25, 999.0])
    embedding = timestep_embedding(times, 8).double()
    frequency = 10_000.0 ** (-torch.arange(4, dtype=torch.float64) / 4)
    angle = times.double()[:, None] * frequency
    torch.testing.assert_close(embedding, torch.cat([angle.cos(), angle.sin()], 1), rtol=0, atol=1e-4)
    odd = timestep_embedding(times, 9)
    assert torch.equal(odd[:, :8], timestep_embedding(times, 8))
    assert torch.equal(odd[:, 8], torch.zeros(3))


@pytest.mark.parametrize("resample", ["up", "down"])
def test_resampling_keeps_what_constant_images_say(resample):
    block = ResBlock(32, 32, 8, dropout=0.0, dims=2, use_scale_shift_norm=True, use_checkpoint=False, resample=resample)
    constant = torch.arange(32.0)[None, :, None, None].expand(1, 32, 4, 4)
    side = 8 if resample == "up" else 2
    assert torch.equal(block(constant, wave(1, 8)), constant[..., :1, :1].expand(1, 32, side, side))


def test_volumes_keep_their_first_axis():
    net = noised(UNet(**SMALL | {"dims": 3}))
    assert net(wave(1, 3, 3, 8, 8), torch.tensor([5.0])).shape == (1, 3, 3, 8, 8)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_runs_close_to_single(dtype):
    net = noised(UNet(**SMALL, resblock_updown=True, use_scale_shift_norm=True, num_head_channels=16))
    x, times = wave(2, 3, 8, 8), torch.tensor([10.0, 600.0])
    with torch.no_grad():
        single = net(x, times)
        half = net.convert_to(dtype)(x, times)
    assert net.dtype == dtype
    assert net.time_embed[0].weight.dtype == net.out[2].weight.dtype == torch.float32
    assert all(part.weight.dtype == torch.float32 for part in net.modules() if isinstance(part, GroupNorm32))
    assert half.dtype == torch.float32
    assert not torch.equal(half, single)
    assert (half - single).norm() < 0.05 * single.norm()


def test_use_fp16_builds_a_half_network_that_converts_back():
    net = UNet(**SMALL, use_fp16=True)
    assert net.dtype == torch.float16
    net.convert_to_fp32()
    assert {weight.dtype for weight in net.parameters()} == {torch.float32}
    net.convert_to_fp16()
    assert net.output_blocks[0][0].in_layers[2].weight.dtype == torch.float16


def test_normalisation_is_computed_in_single_precision():
    # float16 overflows at 65504: the squares of these numbers do not fit
    x = (300 + 40 * wave(1, 32, 8, 8)).half()
    out = GroupNorm32(32)(x)
    assert out.dtype == torch.float16
    expected = F.group_norm(x.double(), 32).float()
    torch.testing.assert_close(out.float(), expected, rtol=1e-3, atol=1e-3)


def test_checkpointing_changes_no_gradient():
    plain = noised(UNet(**SMALL, num_heads=2)).train()
    thrifty = UNet(**SMALL, num_heads=2, use_checkpoint=True).train()
    thrifty.load_state_dict(plain.state_dict())
    for net in (plain, thrifty):
        net(wave(2, 3, 8, 8), torch.tensor([4.0, 500.0])).square().sum().backward()
    for ours, theirs in zip(plain.parameters(), thrifty.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad)


def test_labels_and_the_small_image_matter():
    x, times = wave(2, 3, 8, 8), torch.tensor([10.0, 600.0])
    net = noised(SuperResUNet(**SMALL, num_classes=4))
    small = wave(2, 3, 4, 4)
    output = net(x, times, low_res=small, y=torch.tensor([0, 1]))
    relabelled = net(x, times, low_res=small, y=torch.tensor([0, 2]))
    assert torch.equal(relabelled[0], output[0])
    assert not torch.allclose(relabelled[1], output[1])
    assert not torch.allclose(net(x, times, low_res=0 * small, y=torch.tensor([0, 1])), output)


X, T = torch.zeros(2, 3, 8, 8), torch.zeros(2)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: UNet(**SMALL | {"dims": 4}), "dims must be 1, 2 or 3, got 4"),
        (lambda: UNet(**SMALL | {"model_channels": 40}), "multiple of 32 channels, got 40"),
        (lambda: UNet(**SMALL | {"channel_mult": ()}), "at least one level"),
        (lambda: UNet(**SMALL, num_head_channels=48), "heads of 48 channels"),
        (lambda: UNet(**SMALL, num_heads=5), "64 channels cannot be shared by 5"),
        (lambda: Classifier(**SMALL, pool="max"), "unknown pooling 'max'; choose one of: adaptive"),
        (lambda: Classifier(**SMALL, pool="attention"), "needs num_head_channels"),
        (lambda: UNet(**SMALL)(X, T[:1]), r"times of shape \(2,\), got \(1,\)"),
        (lambda: UNet(**SMALL)(X, T, y=T.long()), "knows no classes"),
        (lambda: UNet(**SMALL, num_classes=3)(X, T), "labels of shape \\(2,\\), got none"),
        (lambda: UNet(**SMALL, num_classes=3)(X, T, y=torch.tensor([1])), "got shape \\(1,\\)"),
        (lambda: SuperResUNet(**SMALL)(X, T), "needs the small image"),
        (lambda: PRESETS["imagenet-65"], "unknown ADM preset 'imagenet-65'"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_sentence(call, message):
    with pytest.raises(ValueError, match=message):
        call()
