"""Datasets against torchvision's, on files that are made here; nothing is downloaded."""

from __future__ import annotations

import gzip
import hashlib
import urllib.error
import urllib.request

import numpy as np
import pytest
import torch
from PIL import Image

import torchlike
from torchlike.demo.digits import write_idx, write_mnist
from torchlike.vision import datasets as ours, transforms, utils as our_utils
from torchlike.vision.datasets import utils as files

from .oracle import datasets as real, utils as real_utils


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("mnist")
    write_mnist(path)
    return path


@pytest.mark.parametrize("train", [True, False])
def test_mnist(folder, train):
    theirs, mine = (d.MNIST(str(folder), train=train) for d in (real, ours))
    assert repr(mine) == repr(theirs)
    assert len(mine) == len(theirs)
    assert mine.data.tolist() == theirs.data.tolist()
    assert mine.targets.tolist() == theirs.targets.tolist()
    assert str(mine.targets.dtype) == str(theirs.targets.dtype)
    for i in (0, 5, -1):
        (a, x), (b, y) = mine[i], theirs[i]
        assert (a.mode, a.tobytes(), x, type(x)) == (b.mode, b.tobytes(), y, type(y))
    assert mine.class_to_idx == theirs.class_to_idx
    assert mine[torchlike.tensor(3)][1] == theirs[3][1]


def test_mnist_transforms_and_replaced_data(folder):
    to_tensor = transforms.ToTensor()
    mine = ours.MNIST(folder, transform=to_tensor, target_transform=lambda y: y + 100)
    image, label = mine[7]
    assert image.shape == (1, 28, 28)
    assert label == int(mine.targets[7]) + 100
    mine.transform = None
    assert mine[7][0].size == (28, 28)
    mine.data = mine.data[:2] // 2
    assert len(mine) == 2
    assert np.asarray(mine[1][0]).tolist() == mine.data[1].tolist()
    with pytest.warns(UserWarning, match="train_data has been renamed data"):
        assert mine.train_data is mine.data


def test_download_uses_what_is_there(folder, monkeypatch):
    monkeypatch.setattr(urllib.request, "urlopen", lambda *a, **k: pytest.fail("network"))
    assert len(ours.MNIST(folder, download=True)) == 1497 * 4


def test_a_missing_dataset_names_files_and_folder(tmp_path):
    with pytest.raises(RuntimeError) as caught:
        ours.MNIST(tmp_path)
    first, hint = str(caught.value).split("\n")
    assert first == "Dataset not found. You can use download=True to download it"
    assert "train-images-idx3-ubyte" in hint
    assert str(tmp_path / "MNIST" / "raw") in hint


def test_offline_download_names_files_and_folder(tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise urllib.error.URLError("no network")

    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    with pytest.raises(RuntimeError) as caught:
        ours.MNIST(tmp_path, download=True)
    text = str(caught.value)
    assert text.startswith("Error downloading train-images-idx3-ubyte.gz:\nTried https://")
    assert "t10k-labels-idx1-ubyte" in text
    assert str(tmp_path / "MNIST" / "raw") in text


class Response:
    def __init__(self, content):
        self.content, self.length = content, len(content)

    def read(self, n):
        part, self.content = self.content[:n], self.content[n:]
        return part

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        return None


def test_download_checks_the_sum(tmp_path, monkeypatch):
    content = gzip.compress(b"numbers")
    monkeypatch.setattr(urllib.request, "urlopen", lambda *a, **k: Response(content))
    url = "https://example.invalid/x.gz"
    with pytest.raises(RuntimeError, match="File not found or corrupted"):
        files.download_url(url, tmp_path, md5="0" * 32)
    assert list(tmp_path.iterdir()) == []
    files.download_and_extract_archive(url, tmp_path, md5=hashlib.md5(content).hexdigest())
    assert (tmp_path / "x").read_bytes() == b"numbers"


@pytest.mark.parametrize("damage", ["cut", "magic", "more"])
def test_damaged_files(tmp_path, damage):
    raw = tmp_path / "MNIST" / "raw"
    for part in ("train", "t10k"):
        write_idx(raw / f"{part}-images-idx3-ubyte", np.zeros((3, 28, 28), np.uint8))
        write_idx(raw / f"{part}-labels-idx1-ubyte", np.zeros(3, np.uint8))
    path = raw / "train-images-idx3-ubyte"
    content = path.read_bytes()
    path.write_bytes({"cut": content[:-5], "magic": b"x" * 20, "more": content + b"1"}[damage])
    found = []
    for d in (real, ours):
        with pytest.raises((RuntimeError, AssertionError)) as caught:
            d.MNIST(str(tmp_path))
        found.append((caught.type, str(caught.value).split("\n")[0]))
    assert found[1][0] is found[0][0]
    if damage != "magic":
        assert found[1] == found[0]


@pytest.mark.parametrize("name", ["FashionMNIST", "KMNIST"])
def test_relatives(tmp_path, name):
    raw = tmp_path / name / "raw"
    for part in ("train", "t10k"):
        write_idx(raw / f"{part}-images-idx3-ubyte", np.full((3, 28, 28), 9, np.uint8))
        write_idx(raw / f"{part}-labels-idx1-ubyte", np.arange(3, dtype=np.uint8))
    mine, theirs = (getattr(d, name)(str(tmp_path)) for d in (ours, real))
    assert repr(mine) == repr(theirs)
    assert mine.classes == theirs.classes
    assert [label for _, label in mine] == [0, 1, 2]


def test_emnist_and_qmnist(tmp_path):
    raw = tmp_path / "EMNIST" / "raw"
    write_idx(raw / "emnist-letters-train-images-idx3-ubyte", np.zeros((2, 28, 28), np.uint8))
    write_idx(raw / "emnist-letters-train-labels-idx1-ubyte", np.array([1, 26], np.uint8))
    for d in (ours, real):
        data = d.EMNIST(str(tmp_path), "letters")
        assert [data.classes[label] for _, label in data] == ["a", "z"]
    for d in (ours, real):
        with pytest.raises(ValueError, match="Unknown value 'x' for argument split"):
            d.EMNIST(str(tmp_path), "x")
    raw = tmp_path / "QMNIST" / "raw"
    write_idx(raw / "qmnist-train-images-idx3-ubyte", np.zeros((2, 28, 28), np.uint8))
    labels = np.arange(16, dtype=">i4").reshape(2, 8)
    head = bytes([0, 0, 12, 2]) + np.array([2, 8], ">u4").tobytes()
    (raw / "qmnist-train-labels-idx2-int").write_bytes(head + labels.tobytes())
    for d in (ours, real):
        assert [label for _, label in d.QMNIST(str(tmp_path))] == [0, 8]
        full = d.QMNIST(str(tmp_path), compat=False)
        assert full[1][1].tolist() == list(range(8, 16))
        assert str(full[1][1].dtype) == "torch.int64"


def test_fake_data():
    for i in (0, 3):
        results = []
        for d, t in ((real, torch), (ours, torchlike)):
            t.manual_seed(9)
            image, label = d.FakeData(5, (3, 8, 6), 10, random_offset=2)[i]
            results.append((image.tobytes(), label, t.rand(1).item()))
        assert results[1] == results[0]
    with pytest.raises(IndexError, match="FakeData index out of range"):
        ours.FakeData(5)[5]


def test_image_folder(tmp_path):
    for kind, colors in {"cat": (10, 20), "dog": (30,)}.items():
        (tmp_path / kind / "deep").mkdir(parents=True)
        for color in colors:
            Image.new("L", (4, 4), color).save(tmp_path / kind / "deep" / f"{color}.png")
    (tmp_path / "cat" / "notes.txt").write_text("x")
    mine, theirs = (d.ImageFolder(str(tmp_path)) for d in (ours, real))
    assert (mine.samples, mine.classes, mine.targets) == (
        theirs.samples, theirs.classes, theirs.targets,
    )  # fmt: skip
    assert [image.tobytes() for image, _ in mine] == [image.tobytes() for image, _ in theirs]
    assert repr(mine) == repr(theirs)
    (tmp_path / "empty").mkdir()
    texts = []
    for d in (real, ours):
        with pytest.raises(FileNotFoundError) as caught:
            d.ImageFolder(str(tmp_path))
        texts.append(str(caught.value))
    assert texts[1] == texts[0]
    assert len(ours.ImageFolder(str(tmp_path), allow_empty=True)) == 3


def test_transforms_or_transform():
    with pytest.raises(ValueError, match="Only transforms or transform/target_transform"):
        ours.VisionDataset("x", transforms=lambda a, b: (a, b), transform=lambda a: a)


def test_archives(tmp_path):
    import tarfile
    import zipfile

    (tmp_path / "a").write_text("text")
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        archive.write(tmp_path / "a", "a")
    with tarfile.open(tmp_path / "t.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "a", "a")
    for name in ("z.zip", "t.tar.gz"):
        out = tmp_path / f"{name}.d"
        files.extract_archive(str(tmp_path / name), str(out))
        assert (out / "a").read_text() == "text"
    with pytest.raises(RuntimeError, match="Unknown compression or archive type: '.rar'"):
        files.extract_archive(str(tmp_path / "x.rar"))


@pytest.mark.parametrize(
    "options",
    [{}, {"nrow": 2, "padding": 1, "pad_value": 0.5}, {"normalize": True},
     {"normalize": True, "scale_each": True}, {"normalize": True, "value_range": (0.2, 0.7)}],
    ids=str,
)  # fmt: skip
def test_make_grid(options):
    numbers = np.random.default_rng(0).random((5, 1, 4, 3), np.float32)
    theirs = real_utils.make_grid(torch.from_numpy(numbers), **options)
    mine = our_utils.make_grid(torchlike.from_numpy(numbers), **options)
    np.testing.assert_allclose(mine.numpy(), theirs.numpy(), rtol=1e-6)


def test_save_image(tmp_path):
    numbers = np.random.default_rng(0).random((3, 4, 5), np.float32)
    real_utils.save_image(torch.from_numpy(numbers), tmp_path / "a.png")
    our_utils.save_image(torchlike.from_numpy(numbers), tmp_path / "b.png")
    assert Image.open(tmp_path / "a.png").tobytes() == Image.open(tmp_path / "b.png").tobytes()
