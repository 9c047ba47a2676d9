"""Trained networks as image sets: the shipped ones, and whatever a user's folder holds."""

import json
from pathlib import Path

import pytest
import torch

from core.data import IMAGE_DATA, image_family, make_images
from core.data import networks as module
from core.models import NetworkModel, save_checkpoint
from core.models.adm import PRESETS
from core.models.adm.presets import Preset
from core.models.checkpoints import describe
from core.models.guidance import GUIDANCE
from core.registry import Registry

TINY = {
    "image_size": 8,
    "in_channels": 3,
    "model_channels": 32,
    "out_channels": 3,
    "num_res_blocks": 1,
    "attention_resolutions": (),
    "channel_mult": (1,),
}


@pytest.fixture
def sets(monkeypatch: pytest.MonkeyPatch) -> Registry:
    """An empty table of image sets, so that nothing stays behind."""
    table = Registry("image set")
    for place in ("core.data.networks", "core.data.images", "core.data.families"):
        monkeypatch.setattr(f"{place}.IMAGE_DATA", table)
    return table


def tiny(classes: int = 0, null_label: int | None = None) -> Preset:
    rows = max(classes, 0 if null_label is None else null_label + 1)
    arguments = TINY | {"num_classes": rows or None}
    return Preset("tiny", "UNet", arguments, "linear", False, False, "eps", classes, null_label, "tiny.pt", "here")


def written(folder: Path, name: str, preset: Preset) -> Path:
    path = folder / name
    save_checkpoint(path, preset.build().state_dict(), describe(preset))
    return path


def test_every_shipped_network_answers_for_its_classes_and_for_none():
    shipped = [info for info in IMAGE_DATA.values() if info.name.startswith("unet-")]
    assert shipped
    for info in shipped:
        x = torch.randn(2, *info.shape, generator=torch.Generator().manual_seed(0))
        whole, one = make_images(info.name), make_images(info.name, 3)
        assert isinstance(whole, NetworkModel)
        assert whole.net is one.net  # one set of weights in memory
        assert not torch.equal(whole.predict(x, 0.7, 0.7, "eps"), one.predict(x, 0.7, 0.7, "eps"))
        assert len(info.classes) == whole.classes
        if info.classifier is not None:
            guided = GUIDANCE["classifier"].make(image_family(info.name), 3, scale=2.0)
            assert torch.isfinite(guided.predict(x, 0.7, 0.7, "eps")).all()


def test_a_users_own_file_is_offered_under_its_name(tmp_path, sets):
    written(tmp_path, "mine.safetensors", tiny(classes=4, null_label=4))
    assert module.add_own(tmp_path) == ["mine"]
    info = sets["mine"]
    assert (info.shape, len(info.classes), info.exact, info.needs_label) == ((3, 8, 8), 4, False, False)
    assert make_images("mine", 2).predict(torch.zeros(1, 3, 8, 8), 0.7, 0.7, "eps").shape == (1, 3, 8, 8)
    assert module.add_own(tmp_path) == []  # it is there already


def test_a_network_that_has_not_learned_no_class_needs_one(tmp_path, sets):
    written(tmp_path, "sure.safetensors", tiny(classes=4))
    module.add_own(tmp_path)
    assert sets["sure"].needs_label
    with pytest.raises(ValueError, match="needs a label from 0 to 3"):
        make_images("sure")
    with pytest.raises(ValueError, match="work without a class"):
        GUIDANCE["classifier-free"].make(image_family("sure"), 1)


def test_a_file_that_is_replaced_is_read_anew(tmp_path, sets):
    import os

    path = written(tmp_path, "mine.safetensors", tiny())
    module.add_own(tmp_path)
    first = make_images("mine")
    assert make_images("mine").net is first.net
    torch.manual_seed(1)
    written(tmp_path, "mine.safetensors", tiny())
    os.utime(path, (1, 1))
    assert make_images("mine").net is not first.net


def test_what_is_no_network_is_passed_over(tmp_path, sets):
    (tmp_path / "notes.txt").write_text("no network")
    (tmp_path / "broken.safetensors").write_bytes(b"\x00" * 20)
    save_checkpoint(tmp_path / "other.safetensors", {"w": torch.zeros(2)}, {"what": "something else"})
    (tmp_path / "odd name;.safetensors").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    assert module.add_own(tmp_path) == []
    with pytest.raises(ValueError, match="is no folder"):
        module.add_own(tmp_path / "nowhere")


def test_released_files_are_known_by_their_names_and_refused_when_they_are_not_what_they_say(tmp_path, sets):
    torch.save({"w": torch.zeros(2)}, tmp_path / "256x256_diffusion_uncond.pt")
    torch.save({"w": torch.zeros(2)}, tmp_path / "256x256_classifier.pt")
    torch.save({"w": torch.zeros(2)}, tmp_path / "64x64_diffusion.pt")
    assert module.add_own(tmp_path) == ["imagenet-256-uncond", "imagenet-64"]
    info = sets["imagenet-256-uncond"]
    assert info.shape == (3, 256, 256)
    assert not info.knows_classes
    assert len(info.classes) == 1000  # of the classifier beside it
    assert sets["imagenet-64"].needs_label
    assert sets["imagenet-64"].classifier is None
    with pytest.raises(ValueError, match="knows no classes; choose the guidance of a classifier"):
        make_images("imagenet-256-uncond", 3)
    with pytest.raises(ValueError, match=r"64x64_diffusion\.pt describes no network|64x64_diffusion\.pt does not fit"):
        make_images("imagenet-64", 3)


def test_upsamplers_and_classifiers_are_not_offered_as_image_sets(tmp_path, sets):
    for name in ("64_256_upsampler.pt", "64x64_classifier.pt"):
        torch.save({"w": torch.zeros(2)}, tmp_path / name)
    assert module.add_own(tmp_path) == []


@pytest.fixture
def diffusers_folder(tmp_path) -> Path:
    diffusers = pytest.importorskip("diffusers")
    torch.manual_seed(0)
    net = diffusers.UNet2DModel(
        sample_size=8,
        block_out_channels=(32,),
        down_block_types=("DownBlock2D",),
        up_block_types=("UpBlock2D",),
        layers_per_block=1,
    )
    folder = tmp_path / "ddpm-tiny"
    net.save_pretrained(folder, safe_serialization=True)
    scheduler = diffusers.DDPMScheduler(num_train_timesteps=1000, beta_start=0.0001, beta_end=0.02)
    scheduler.save_pretrained(folder)
    return folder


def test_a_folder_of_diffusers_opens_as_it_is(diffusers_folder, sets):
    from diffusers import UNet2DModel

    assert module.add_own(diffusers_folder.parent) == ["ddpm-tiny"]
    model = make_images("ddpm-tiny")
    net = UNet2DModel.from_pretrained(diffusers_folder).eval()
    x = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    t = 0.3
    alpha, sigma = float(model.schedule.alpha(t)), float(model.schedule.sigma(t))
    with torch.no_grad():
        wanted = net(x, torch.full((2,), 299.0)).sample
    torch.testing.assert_close(model.predict(x, alpha, sigma, "eps"), wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"beta_schedule": "scaled_linear"}, "trained with betas"),
        ({"num_train_timesteps": 100}, "100 steps"),
        ({"prediction_type": "flow"}, "prediction 'flow'"),
    ],
)
def test_a_folder_trained_otherwise_is_refused(diffusers_folder, sets, change, said):
    path = diffusers_folder / "scheduler_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    module.add_own(diffusers_folder.parent)
    with pytest.raises(ValueError, match=said):
        make_images("ddpm-tiny")


def test_a_folder_of_pickles_is_refused(diffusers_folder, sets):
    (diffusers_folder / "diffusion_pytorch_model.safetensors").rename(diffusers_folder / "diffusion_pytorch_model.bin")
    module.add_own(diffusers_folder.parent)
    with pytest.raises(ValueError, match="cannot be opened as a UNet2DModel with safetensors"):
        make_images("ddpm-tiny")


def test_presets_of_released_networks_and_their_files_are_one_to_one():
    files = [preset.weights for preset in PRESETS.values() if preset.weights.endswith(".pt")]
    assert len(files) == len(set(files))
