"""What a network needs is worked out from shapes, near what it takes, and more images than fit take turns."""

import pytest
import torch

from core.models import memory
from core.models.adm import PRESETS, UNet
from core.models.network import NetworkModel
from core.schedules import make_schedule


def model(**more) -> NetworkModel:
    arguments = {"image_size": 16, "in_channels": 3, "model_channels": 32, "out_channels": 3, "num_res_blocks": 1}
    torch.manual_seed(0)
    net = UNet(**arguments, attention_resolutions=(2,), channel_mult=(1, 2), **more)
    with torch.no_grad():
        for weight in net.parameters():
            weight.normal_(0, 0.1)
    return NetworkModel(net, make_schedule("ddpm-linear"), shape=(3, 16, 16))


def inputs_of(shape: tuple[int, ...], label: bool = False):
    def inputs(device):
        named = {"y": torch.zeros(1, dtype=torch.long, device=device)} if label else {}
        return (torch.empty(1, *shape, device=device), torch.empty(1, device=device)), named

    return inputs


def test_the_estimate_counts_the_kept_maps_and_the_largest_layer():
    net = model().net
    # kept: 32 channels at 16x16 twice (stem, block), 32 at 8x8 (down), 64 at 8x8; more for the largest layer
    kept = 4 * (2 * 32 * 256 + 32 * 64 + 64 * 64)
    found = memory.bytes_an_image(net, inputs_of((3, 16, 16)))
    assert kept < found < 6 * kept
    assert next(net.parameters()).device.type == "cpu"  # nothing was moved


def test_it_grows_with_the_square_of_the_side():
    net = model().net
    small, large = (memory.bytes_an_image(net, inputs_of((3, side, side))) for side in (16, 32))
    assert large == pytest.approx(4 * small, rel=0.1)


def test_a_large_released_network_is_told_without_building_it():
    with torch.device("meta"):
        net = PRESETS["imagenet-256"].build()
    found = memory.bytes_an_image(net, inputs_of((3, 256, 256), label=True))
    assert 5e8 < found < 5e9


def test_more_images_than_fit_take_turns_with_the_same_answer(monkeypatch):
    x = torch.randn(5, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    whole = model().predict(x, 0.7, 0.7, "eps")
    seen = []
    tight = model()
    tight.net.register_forward_pre_hook(lambda net, given: seen.append(len(given[0])))
    needed = memory.bytes_an_image(tight.net, inputs_of((3, 16, 16)))
    seen.clear()
    monkeypatch.setattr(memory, "free_bytes", lambda device: int(2.5 * needed / memory.SPARE))
    torch.testing.assert_close(tight.predict(x, 0.7, 0.7, "eps"), whole, rtol=1e-4, atol=1e-5)
    assert [count for count in seen if count > 1] == [2, 2]
    assert seen[-1] == 1


def test_a_network_that_does_not_fit_says_what_it_needs(monkeypatch):
    monkeypatch.setattr(memory, "free_bytes", lambda device: 1000)
    with pytest.raises(ValueError, match=r"needs about .* GB at its peak, and .* GB are free"):
        model().predict(torch.zeros(1, 3, 16, 16), 0.7, 0.7, "eps")
