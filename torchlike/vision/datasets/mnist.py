"""MNIST and its relatives: IDX files in ``root/<class name>/raw``, as torchvision lays them out."""

from __future__ import annotations

import os
import shutil
import string
import urllib.error
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from ...core.build import from_host
from ...core.device import cpu
from ...core.tensor import Tensor
from ...utils.data._utils.collate import host_contents
from ..pillow import image_of
from .idx import (
    read_image_file as read_image_file,
    read_label_file as read_label_file,
    read_sn3_pascalvincent_tensor as read_sn3_pascalvincent_tensor,
)
from .utils import check_integrity, download_and_extract_archive, extract_archive, verify_str_arg
from .vision import Transform, VisionDataset

_DIGITS = [
    f"{i} - {name}"
    for i, name in enumerate(
        ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    )
]


def _renamed(old: str, new: str) -> Any:
    def get(self: Any) -> Any:
        warnings.warn(f"{old} has been renamed {new}", stacklevel=2)
        return getattr(self, new)

    return property(get)


class MNIST(VisionDataset):
    """(28×28 image, label) pairs; ``data`` and ``targets`` hold them all.

    ``download=True`` uses the files that are there and fetches the others.

    Raises:
        RuntimeError: files are missing, or can't be downloaded; the text names them and the folder.
    """

    mirrors = [
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "http://yann.lecun.com/exdb/mnist/",
    ]
    resources: Any = [
        ("train-images-idx3-ubyte.gz", "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
        ("train-labels-idx1-ubyte.gz", "d53e105ee54ea40749a09fcbcd1e9432"),
        ("t10k-images-idx3-ubyte.gz", "9fb629c4189551a2d022fa330f9573f3"),
        ("t10k-labels-idx1-ubyte.gz", "ec29112dd5afa0611ce80d1b7f02629c"),
    ]
    training_file = "training.pt"
    test_file = "test.pt"
    classes = _DIGITS
    train_labels = _renamed("train_labels", "targets")
    test_labels = _renamed("test_labels", "targets")
    train_data = _renamed("train_data", "data")
    test_data = _renamed("test_data", "data")

    def __init__(
        self,
        root: str | Path,
        train: bool = True,
        transform: Transform = None,
        target_transform: Transform = None,
        download: bool = False,
    ) -> None:
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.train = train
        if download:
            self.download()
        if not self._check_exists():
            raise RuntimeError(
                "Dataset not found. You can use download=True to download it\n"
                f"hint: looked for {', '.join(self._missing())} in {self.raw_folder}"
            )
        self.data: Any
        self.targets: Any
        self.data, self.targets = self._load_data()

    def _load_data(self) -> tuple[Tensor, Tensor]:
        part = "train" if self.train else "t10k"
        images = read_image_file(os.path.join(self.raw_folder, f"{part}-images-idx3-ubyte"))
        labels = read_label_file(os.path.join(self.raw_folder, f"{part}-labels-idx1-ubyte"))
        return images, labels

    def _image(self, index: Any) -> Any:
        pixels = host_contents(self.data)[index] if type(index) is int else self.data[index].numpy()
        return image_of(pixels, "L")

    def _target(self, index: Any) -> Any:
        if type(index) is int and isinstance(self.targets, Tensor):
            return int(host_contents(self.targets)[index])
        return int(self.targets[index])

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        return self._transformed(self._image(index), self._target(index))

    def __len__(self) -> int:
        return len(self.data)

    @property
    def raw_folder(self) -> str:
        return os.path.join(self.root, type(self).__name__, "raw")

    @property
    def processed_folder(self) -> str:
        return os.path.join(self.root, type(self).__name__, "processed")

    @property
    def class_to_idx(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.classes)}

    def _files(self) -> list[str]:
        """Names of the files that must be in the raw folder."""
        return [os.path.splitext(os.path.basename(url))[0] for url, _ in self.resources]

    def _missing(self) -> list[str]:
        return [
            name
            for name in self._files()
            if not check_integrity(os.path.join(self.raw_folder, name))
        ]

    def _check_exists(self) -> bool:
        return not self._missing()

    def download(self) -> None:
        """Fetches what is missing.

        Raises:
            RuntimeError: no mirror has it.
        """
        if self._check_exists():
            return
        os.makedirs(self.raw_folder, exist_ok=True)
        for filename, md5 in self.resources:
            if os.path.splitext(filename)[0] in self._missing():
                self._fetch(filename, [f"{mirror}{filename}" for mirror in self.mirrors], md5)

    def _fetch(self, filename: str, urls: list[str], md5: str) -> None:
        failures = []
        for url in urls:
            try:
                download_and_extract_archive(url, self.raw_folder, filename=filename, md5=md5)
            except (RuntimeError, urllib.error.URLError, TimeoutError) as error:
                failures.append(f"Tried {url.removesuffix(filename)}, got:\n{error}\n")
                continue
            return
        raise RuntimeError(
            f"Error downloading {filename}:\n{''.join(failures)}"
            f"hint: without a network, put {', '.join(self._missing())} (or the .gz files) into "
            f"{os.path.abspath(self.raw_folder)}"
        )

    def extra_repr(self) -> str:
        return f"Split: {'Train' if self.train is True else 'Test'}"


class FashionMNIST(MNIST):
    """Clothes."""

    mirrors = ["http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"]
    resources = [
        ("train-images-idx3-ubyte.gz", "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
        ("train-labels-idx1-ubyte.gz", "25c81989df183df01b3e8a0aad5dffbe"),
        ("t10k-images-idx3-ubyte.gz", "bef4ecab320f06d8554ea6380940ec79"),
        ("t10k-labels-idx1-ubyte.gz", "bb300cfdad3c16e7a12a480ee83cd310"),
    ]
    classes = [
        "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
        "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
    ]  # fmt: skip


class KMNIST(MNIST):
    """Cursive Japanese characters."""

    mirrors = ["http://codh.rois.ac.jp/kmnist/dataset/kmnist/"]
    resources = [
        ("train-images-idx3-ubyte.gz", "bdb82020997e1d708af4cf47b453dcf7"),
        ("train-labels-idx1-ubyte.gz", "e144d726b3acfaa3e44228e80efcd344"),
        ("t10k-images-idx3-ubyte.gz", "5c965bf0a639b31b8f53240b1b52f4d7"),
        ("t10k-labels-idx1-ubyte.gz", "7320c461ea6c1c855c0b718fb2a4b134"),
    ]
    classes = ["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"]


class EMNIST(MNIST):
    """Digits and letters, in one of six splits.

    Raises:
        ValueError: no such split.
    """

    url = "https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip"
    md5 = "58c8d27c78d21e728a6bc7b3cc06412e"
    splits = ("byclass", "bymerge", "balanced", "letters", "digits", "mnist")
    _merged_classes = set("cijklmopsuvwxyz")
    _all_classes = set(string.digits + string.ascii_letters)
    classes_split_dict = {
        "byclass": sorted(_all_classes),
        "bymerge": sorted(_all_classes - _merged_classes),
        "balanced": sorted(_all_classes - _merged_classes),
        "letters": ["N/A", *string.ascii_lowercase],
        "digits": list(string.digits),
        "mnist": list(string.digits),
    }

    def __init__(self, root: str | Path, split: str, **kwargs: Any) -> None:
        self.split = verify_str_arg(split, "split", self.splits)
        super().__init__(root, **kwargs)
        self.classes = self.classes_split_dict[self.split]

    def _files(self) -> list[str]:
        prefix = f"emnist-{self.split}-{'train' if self.train else 'test'}"
        return [f"{prefix}-images-idx3-ubyte", f"{prefix}-labels-idx1-ubyte"]

    def _load_data(self) -> tuple[Tensor, Tensor]:
        images, labels = (os.path.join(self.raw_folder, name) for name in self._files())
        return read_image_file(images), read_label_file(labels)

    def download(self) -> None:
        if self._check_exists():
            return
        os.makedirs(self.raw_folder, exist_ok=True)
        self._fetch(os.path.basename(self.url), [self.url], self.md5)
        folder = os.path.join(self.raw_folder, "gzip")
        for name in os.listdir(folder):
            if name.endswith(".gz"):
                extract_archive(os.path.join(folder, name), self.raw_folder)
        shutil.rmtree(folder)


_QMNIST = "https://raw.githubusercontent.com/facebookresearch/qmnist/master/"


class QMNIST(MNIST):
    """MNIST with its origins; ``compat=False`` gives all eight numbers of a label.

    Raises:
        ValueError: no such part.
    """

    subsets = {
        "train": "train", "test": "test", "test10k": "test", "test50k": "test", "nist": "nist"
    }  # fmt: skip
    resources = {
        "train": [
            (f"{_QMNIST}qmnist-train-images-idx3-ubyte.gz", "ed72d4157d28c017586c42bc6afe6370"),
            (f"{_QMNIST}qmnist-train-labels-idx2-int.gz", "0058f8dd561b90ffdd0f734c6a30e5e4"),
        ],
        "test": [
            (f"{_QMNIST}qmnist-test-images-idx3-ubyte.gz", "1394631089c404de565df7b7aeaf9412"),
            (f"{_QMNIST}qmnist-test-labels-idx2-int.gz", "5b5b05890a5e13444e108efe57b788aa"),
        ],
        "nist": [
            (f"{_QMNIST}xnist-images-idx3-ubyte.xz", "7f124b3b8ab81486c9d8c2749c17f834"),
            (f"{_QMNIST}xnist-labels-idx2-int.xz", "5ed0e788978e45d4a8bd4b7caec3d79d"),
        ],
    }

    def __init__(
        self,
        root: str | Path,
        what: str | None = None,
        compat: bool = True,
        train: bool = True,
        **kwargs: Any,
    ) -> None:
        usual = "train" if train else "test"
        self.what = verify_str_arg(usual if what is None else what, "what", tuple(self.subsets))
        self.compat = compat
        super().__init__(root, train, **kwargs)

    def _files(self) -> list[str]:
        part = self.resources[self.subsets[self.what]]
        return [os.path.splitext(os.path.basename(url))[0] for url, _ in part]

    def _load_data(self) -> tuple[Tensor, Tensor]:
        images, labels = (os.path.join(self.raw_folder, name) for name in self._files())
        data = read_image_file(images)
        targets = host_contents(read_sn3_pascalvincent_tensor(labels)).astype(np.int64)
        if targets.ndim != 2:
            raise ValueError(f"targets should have 2 dimensions instead of {targets.ndim}")
        cut = {"test10k": slice(0, 10000), "test50k": slice(10000, None)}.get(
            self.what, slice(None)
        )
        images_array = host_contents(data)[cut]
        return from_host(images_array, device=cpu), from_host(targets[cut], device=cpu)

    def download(self) -> None:
        if self._check_exists():
            return
        os.makedirs(self.raw_folder, exist_ok=True)
        for url, md5 in self.resources[self.subsets[self.what]]:
            self._fetch(os.path.basename(url), [url], md5)

    def _target(self, index: Any) -> Any:
        target = self.targets[index]
        return int(target[0]) if self.compat else target

    def extra_repr(self) -> str:
        return f"Split: {self.what}"
