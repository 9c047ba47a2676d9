"""CIFAR-10 from the user's own copy, in both forms; the copies here are a few images that the tests write."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from core.models.adm import PRESETS
from core.train.__main__ import main
from core.train.cifar import read_cifar10
from core.train.data import TRAINING_DATA
from core.train.recipe import Recipe
from core.train.trainer import Trainer


def pictures(n: int, seed: int = 0) -> np.ndarray:
    """Smooth colours (n, 32, 32, 3) uint8, so that a JPEG keeps them."""
    ends = np.random.default_rng(seed).uniform(0, 255, (2, n, 1, 1, 3))
    ramp = np.linspace(0, 1, 32)[None, :, None, None] * np.ones((1, 1, 32, 1))
    return (ends[0] * (1 - ramp) + ends[1] * ramp).round().astype(np.uint8)


def packed(images: np.ndarray, form: str = "PNG") -> list[bytes]:
    files = []
    for image in images:
        memory = io.BytesIO()
        Image.fromarray(image).save(memory, form, **({"quality": 95} if form == "JPEG" else {}))
        files.append(memory.getvalue())
    return files


def write_archive(path, files, labels, split):
    np.savez(
        path,
        blob=np.frombuffer(b"".join(files), np.uint8),
        offset=np.cumsum([0, *map(len, files)]),
        label=np.asarray(labels, np.uint8),
        split=np.asarray(split, np.uint8),
    )
    return path


def write_binary(folder, images, labels, name="data_batch_1.bin"):
    folder.mkdir(exist_ok=True)
    planes = images.transpose(0, 3, 1, 2).reshape(len(images), -1)
    np.concatenate([np.asarray(labels, np.uint8)[:, None], planes], axis=1).tofile(folder / name)
    return folder


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    images = pictures(12)
    split = [0] * 10 + [1] * 2
    return write_archive(tmp_path_factory.mktemp("cifar") / "cifar.npz", packed(images), [*range(10), 3, 4], split)


def test_both_forms_give_the_same_images_in_the_same_order(tmp_path, archive):
    images = pictures(12)
    folder = write_binary(tmp_path / "cifar-10-batches-bin", images[:4], range(4))
    write_binary(folder, images[4:10], range(4, 10), "data_batch_2.bin")
    write_binary(folder, images[10:], [3, 4], "test_batch.bin")
    for source in (archive, folder):
        seen, labels = read_cifar10(source, test=False)
        np.testing.assert_array_equal(seen, images[:10])
        assert labels.tolist() == list(range(10))
        seen, labels = read_cifar10(source, test=True)
        np.testing.assert_array_equal(seen, images[10:])
        assert labels.tolist() == [3, 4]


def test_jpeg_pictures_come_out_nearly_as_they_went_in(tmp_path):
    images = pictures(2)
    path = write_archive(tmp_path / "cifar.npz", packed(images, "JPEG"), [1, 2], [0, 0])
    assert np.abs(read_cifar10(path, test=False)[0].astype(int) - images).mean() < 2


def test_the_sets_are_scaled_and_shrunk(archive):
    images = pictures(12)[:10].transpose(0, 3, 1, 2) / 127.5 - 1
    full, labels = TRAINING_DATA["cifar10-32"].load(archive)
    assert full.dtype == torch.float32
    assert labels.dtype == torch.int64
    np.testing.assert_allclose(full.numpy(), images, atol=1e-6)
    half, _ = TRAINING_DATA["cifar10-16"].load(archive)
    assert half.shape == (10, 3, 16, 16)
    np.testing.assert_allclose(half.numpy(), images.reshape(10, 3, 16, 2, 16, 2).mean((3, 5)), atol=1e-6)
    assert TRAINING_DATA["cifar10-16"].load(archive, True)[1].tolist() == [3, 4]


def test_the_digits_need_no_file_and_have_no_test_part(archive):
    with pytest.raises(ValueError, match="give no file"):
        TRAINING_DATA["digits"].load(archive)
    with pytest.raises(ValueError, match="none of the digits were kept apart"):
        TRAINING_DATA["digits"].load(None, True)


def _no_pictures(path):
    return write_archive(path, [b"never a picture"], [0], [0])


def _cut(path):
    return write_archive(path, [packed(pictures(1))[0][:-200]], [0], [0])


def _large(path):
    return write_archive(path, packed(np.zeros((1, 64, 48, 3), np.uint8)), [0], [0])


def _too_many_classes(path):
    return write_archive(path, packed(pictures(1)), [10], [0])


def _only_test(path):
    return write_archive(path, packed(pictures(1)), [1], [1])


def _uneven(path):
    return write_archive(path, packed(pictures(2)), [0], [0, 0])


def _other_arrays(path):
    np.savez(path, picture=np.zeros(3))
    return path


def _pickled(path):
    np.savez(path, blob=np.array([{}], object), offset=np.zeros(1), label=np.zeros(0), split=np.zeros(0))
    return path


def _no_archive(path):
    path.write_bytes(b"something else")
    return path


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "name your copy"),
        (lambda path: path, "there is no folder and no .npz file"),
        (lambda path: path.parent, "holds no data_batch"),
        (_no_archive, "is damaged or lacks"),
        (_other_arrays, "is damaged or lacks one of the arrays blob, offset, label, split"),
        (_pickled, "is damaged or lacks"),
        (_uneven, "not speak of the same number"),
        (_no_pictures, "picture 0 of cifar.npz is damaged"),
        (_cut, "picture 0 of cifar.npz is damaged"),
        (_large, "picture 0 of cifar.npz is 48x64, not 32x32"),
        (_too_many_classes, "has a label 10; CIFAR-10 has 0 to 9"),
        (_only_test, "holds none of the images"),
    ],
)
def test_what_is_not_cifar_is_refused_with_its_reason(tmp_path, make, message):
    with pytest.raises(ValueError, match=message):
        read_cifar10(make(tmp_path / "cifar.npz"), test=False)


def test_a_cut_binary_file_is_refused(tmp_path):
    folder = write_binary(tmp_path / "bin", pictures(2), [0, 1])
    whole = (folder / "data_batch_1.bin").read_bytes()
    (folder / "data_batch_1.bin").write_bytes(whole[:-1])
    with pytest.raises(ValueError, match=r"data_batch_1\.bin is damaged: 6145 bytes are no whole number"):
        read_cifar10(folder, test=False)


def test_a_run_on_cifar_starts_and_goes_on(tmp_path, archive):
    trainer = Trainer("cifar10-16", Recipe(steps=4, batch=4, emphasis=0, floor=0), source=archive)
    assert trainer.train_step() == pytest.approx(1, abs=0.15)  # a fresh network predicts 0
    trainer.save(tmp_path / "run.pt")
    expected = trainer.train_step()
    assert Trainer.resume(tmp_path / "run.pt", source=archive).train_step() == expected
    assert PRESETS["cifar10-16"].shape == (3, 16, 16)


def test_mirror_images_are_used(archive):
    trainer = Trainer("cifar10-16", Recipe(batch=64), source=archive)
    assert trainer.data.flip
    trainer.images = torch.linspace(-1, 1, 16).expand(10, 3, 16, 16)
    inputs, index, _, eps, _ = trainer._batch()
    t = (index.double() + 1) / 1000
    alpha, sigma = (level[:, None, None, None] for level in (trainer.schedule.alpha(t), trainer.schedule.sigma(t)))
    x0 = ((inputs - sigma * eps) / alpha)[:32]
    rising = (x0[:, 0, 0, 15] > x0[:, 0, 0, 0]).double().mean()
    assert 0.2 < rising < 0.8


def test_the_command_asks_for_the_data(tmp_path, capsys):
    assert main(["cifar10-16", "--out", str(tmp_path), "--device", "cpu"]) == 2
    assert "name your copy of it" in capsys.readouterr().err


def test_networks_for_cifar_have_the_size_they_claim():
    counts = {name: sum(p.numel() for p in PRESETS[name].build().parameters()) for name in ("cifar10-16", "cifar10-32")}
    assert counts["cifar10-16"] == pytest.approx(1.95e6, rel=0.05)
    assert counts["cifar10-32"] == pytest.approx(5.7e6, rel=0.1)
