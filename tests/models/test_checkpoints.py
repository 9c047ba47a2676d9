"""Weights files: what is written comes back, and files that are damaged or mean harm are refused in one sentence."""

import json
import os
import pickle
import struct
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from core.models import load_checkpoint, load_network, runtime_device, save_checkpoint
from core.models.adm import PRESETS, Preset
from core.models.checkpoints import describe

TINY = Preset(
    title="tiny",
    network="UNet",
    arguments={
        "image_size": 8,
        "in_channels": 1,
        "model_channels": 32,
        "out_channels": 1,
        "num_res_blocks": 1,
        "attention_resolutions": (2,),
        "channel_mult": (1, 2),
        "num_classes": 4,
    },
    betas="linear",
    rescale_timesteps=False,
    learned_sigma=False,
    prediction="eps",
    classes=3,
    null_label=3,
    weights="tiny.safetensors",
    source="",
)


class Bomb:
    """A pickle that would write a file when it is opened."""

    def __init__(self, target: Path):
        self.target = target

    def __reduce__(self):
        return os.system, (f"touch {self.target}",)


@pytest.fixture(scope="module")
def net():
    net = TINY.build().eval()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in net.parameters():
            weight.normal_(0, 0.1, generator=generator)
    return net


@pytest.fixture
def tiny(tmp_path, net):
    path = tmp_path / "tiny.safetensors"
    save_checkpoint(path, net.state_dict(), describe(TINY, images_seen=12))
    return path


def refusal(path: Path, **options) -> str:
    """The one sentence with which a file is refused."""
    load = load_network if options else load_checkpoint
    with pytest.raises(ValueError, match=r".") as caught:
        load(path, **options)
    text = str(caught.value)
    assert "\n" not in text
    assert len(text) < 400
    return text


def test_what_is_written_comes_back_in_half_precision(tiny, net):
    checkpoint = load_checkpoint(tiny)
    assert checkpoint.metadata["images_seen"] == 12
    for name, value in net.state_dict().items():
        assert checkpoint.state_dict[name].dtype == torch.float16
        torch.testing.assert_close(checkpoint.state_dict[name].float(), value, rtol=2**-11, atol=2**-24)
    assert list(tiny.parent.iterdir()) == [tiny]  # nothing half-written is left


def test_the_network_is_rebuilt_from_its_file_alone(tiny, net):
    model = load_network(tiny, labels=2, device="cpu")
    assert (model.shape, model.native, model.classes, model.null_label) == ((1, 8, 8), ("eps",), 3, 3)
    x = torch.ones(2, 1, 8, 8)
    level = model.trained_level(0.6, 0.8)
    with torch.no_grad():
        expected = net(x * level.scale, torch.full((2,), level.index), y=torch.tensor([2, 2]))
    torch.testing.assert_close(model.predict(x, 0.6, 0.8, "eps"), expected, rtol=0.02, atol=0.01)


def test_it_runs_in_half_precision_where_asked(tiny):
    x = torch.ones(2, 1, 8, 8)
    single, half = (
        load_network(tiny, device="cpu", dtype=dtype).predict(x, 0.6, 0.8, "eps")
        for dtype in (torch.float32, torch.bfloat16)
    )
    assert half.dtype == torch.float32
    assert not torch.equal(single, half)
    assert (single - half).norm() < 0.1 * single.norm()
    with pytest.raises(ValueError, match=r"float32, bfloat16 or float16, got torch\.int8"):
        load_network(tiny, dtype=torch.int8)


def test_released_files_are_plain_dictionaries_and_need_a_preset(tmp_path):
    path = tmp_path / "digits.pt"
    state = PRESETS["digits"].build().state_dict()
    torch.save(state, path)
    loaded = load_checkpoint(path)
    assert loaded.metadata == {}
    assert all(torch.equal(loaded.state_dict[name], value) for name, value in state.items())
    assert "does not say which network it belongs to; name its preset (imagenet-64," in refusal(path, device="cpu")
    assert load_network(path, preset="digits", labels=3, device="cpu").classes == 10
    assert "does not fit its network" in refusal(path, preset="imagenet-64", device="cpu")
    assert "holds a 'Classifier'" in refusal(path, preset="classifier-64", device="cpu")


def test_wrong_names_and_shapes_are_named(tmp_path, net):
    state, about = net.state_dict(), describe(TINY)
    path = tmp_path / "wrong.safetensors"
    save_checkpoint(path, {**state, "extra": torch.zeros(2)}, about)
    assert "1 are unknown, such as 'extra'" in refusal(path, device="cpu")
    save_checkpoint(path, {name: state[name] for name in state if name != "out.2.bias"}, about)
    assert "1 are missing, such as 'out.2.bias'" in refusal(path, device="cpu")
    save_checkpoint(path, state | {"out.2.bias": torch.zeros(7)}, about)
    assert "'out.2.bias' has shape (7,), not (1,)" in refusal(path, device="cpu")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"network": "Nope"}, "holds a 'Nope'; only a 'UNet'"),
        ({"network": "SuperResUNet"}, "holds a 'SuperResUNet'"),
        ({"arguments": [1]}, "its 'arguments' makes no sense"),
        ({"arguments": TINY.arguments | {"sides": 3}}, "describes no network that can be built: "),
        ({"arguments": TINY.arguments | {"model_channels": 33}}, "multiple of 32 channels, got 33"),
        ({"arguments": TINY.arguments | {"num_res_blocks": 10**9}}, "its 'num_res_blocks' makes no sense"),
        ({"arguments": TINY.arguments | {"channel_mult": [1] * 10**4}}, "its 'channel_mult' makes no sense"),
        ({"schedule": "nope"}, "unknown noise schedule 'nope'"),
        ({"schedule": None}, "its 'schedule' makes no sense"),
        ({"prediction": "noise"}, "its 'prediction' makes no sense"),
        ({"shape": None}, "its 'shape' makes no sense"),
        ({"shape": [2, 8, 8]}, "its 'in_channels' makes no sense"),
        ({"learned_sigma": True}, "its 'out_channels' makes no sense"),
        ({"classes": "ten"}, "its 'classes' makes no sense"),
        ({"classes": 40}, "its 'num_classes' makes no sense"),
        ({"null_label": 4000}, "its 'num_classes' makes no sense"),
    ],
)
def test_a_description_that_makes_no_sense_is_refused(tmp_path, net, change, message):
    path = tmp_path / "odd.safetensors"
    save_checkpoint(path, net.state_dict(), describe(TINY) | change)
    assert message in refusal(path, device="cpu")


def test_missing_files_and_other_kinds():
    assert "there is no weights file at /nowhere/x.pt" in refusal(Path("/nowhere/x.pt"))
    assert "weights come as .safetensors or .pt, got 'x.ckpt'" in refusal(Path("/nowhere/x.ckpt"))


@pytest.mark.parametrize("keep", [0, 5, 100, 4000])
@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_truncated_files(tmp_path, net, keep, suffix):
    path = tmp_path / f"cut{suffix}"
    if suffix == ".pt":
        torch.save(net.state_dict(), path)
    else:
        save_checkpoint(path, net.state_dict(), {})
    path.write_bytes(path.read_bytes()[:keep])
    text = refusal(path)
    assert "damaged" in text


@pytest.mark.parametrize(
    "content", [b"\x00" * 500, b"hello, world\n" * 50, b"PK\x03\x04" + b"\x01" * 300, b"\x80\x02."]
)
@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_files_of_something_else(tmp_path, content, suffix):
    path = tmp_path / f"other{suffix}"
    path.write_bytes(content)
    refusal(path)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickle_with_code_is_refused_and_not_run(tmp_path, zipped):
    mark = tmp_path / "ran"
    path = tmp_path / "evil.pt"
    if zipped:
        torch.save({"weight": torch.zeros(2), "payload": Bomb(mark)}, path)
    else:
        path.write_bytes(pickle.dumps(Bomb(mark), protocol=2))
    assert "which could run code" in refusal(path)
    assert not mark.exists()


@pytest.mark.parametrize("claimed", ["compressed", "overlapping"])
def test_an_archive_that_unpacks_to_more_than_itself_is_refused(tmp_path, claimed):
    path = tmp_path / "bomb.pt"
    torch.save({"weight": torch.zeros(1000)}, path)
    if claimed == "compressed":
        with zipfile.ZipFile(path) as archive:
            entries = {entry.filename: archive.read(entry) for entry in archive.infolist()}
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in entries.items():
                archive.writestr(name, content + bytes(10**6) if name.endswith("/data/0") else content)
    else:
        # the table of contents claims 4 GB for the largest entry
        content = bytearray(path.read_bytes())
        start = content.find(b"PK\x01\x02", content.rfind(b"data/0") - 60)
        content[start + 24 : start + 28] = struct.pack("<I", 2**32 - 2)
        path.write_bytes(content)
    assert "unpack to more than its own size" in refusal(path)


def test_a_small_file_cannot_claim_a_huge_tensor(tmp_path):
    path = tmp_path / "huge.pt"
    torch.save({"weight": torch.zeros(1).expand(10**6, 10**6)}, path)
    assert "'weight' is larger than what is stored of it" in refusal(path)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_numbers_that_are_not_finite_are_refused(tmp_path, bad):
    state = {"weight": torch.tensor([1.0, bad])}
    torch.save(state, tmp_path / "nan.pt")
    save_file(state, tmp_path / "nan.safetensors")
    for suffix in ("pt", "safetensors"):
        assert "'weight' holds numbers that are not finite" in refusal(tmp_path / f"nan.{suffix}")
    with pytest.raises(ValueError, match="not finite"):
        save_checkpoint(tmp_path / "big.safetensors", {"weight": torch.tensor([1e6])}, {})
    assert not (tmp_path / "big.safetensors").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([1, 2], "must hold a dictionary of tensors, got list"),
        ({}, "must hold a dictionary of tensors"),
        ({"step": 3}, "'step' is a int"),
        ({"net": {"weight": torch.zeros(1)}}, "'net' is a dict"),
        ({3: torch.zeros(1)}, "3 is a Tensor"),
    ],
)
def test_only_tensors_by_name(tmp_path, content, message):
    path = tmp_path / "odd.pt"
    torch.save(content, path)
    assert message in refusal(path)


def test_a_damaged_description(tmp_path):
    path = tmp_path / "odd.safetensors"
    for text in ("{", json.dumps([1])):
        save_file({"weight": torch.zeros(1)}, path, metadata={"solverscope": text})
        assert "damaged" in refusal(path)
    save_file({}, path)
    assert "holds no tensors" in refusal(path)
    with pytest.raises(ValueError, match=r"written as \.safetensors"):
        save_checkpoint(tmp_path / "x.pt", {}, {})


def test_the_screen_can_say_where_networks_run():
    runs_on = runtime_device()
    assert runs_on.device == ("cuda" if torch.cuda.is_available() else "cpu")
    assert runs_on.precision == "float32"
    assert runs_on.device in str(runs_on)
