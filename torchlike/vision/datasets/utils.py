"""``torchvision.datasets.utils``: downloads that are checked, and archives."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
import os
import shutil
import tarfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

PathLike = str | Path
USER_AGENT = "torchlike"
_OPENERS: dict[str, Callable[..., Any]] = {".bz2": bz2.open, ".gz": gzip.open, ".xz": lzma.open}
_TAR_ALIASES = (".tbz", ".tbz2", ".tgz")
_CHUNK = 1 << 16


def calculate_md5(fpath: PathLike, chunk_size: int = 1 << 20) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    with open(fpath, "rb") as file:
        while chunk := file.read(chunk_size):
            digest.update(chunk)
    return digest.hexdigest()


def check_md5(fpath: PathLike, md5: str, **kwargs: Any) -> bool:
    return md5 == calculate_md5(fpath, **kwargs)


def check_integrity(fpath: PathLike, md5: str | None = None) -> bool:
    """The file is there and, if a sum is given, has it."""
    return os.path.isfile(fpath) and (md5 is None or check_md5(fpath, md5))


def download_url(
    url: str,
    root: PathLike,
    filename: PathLike | None = None,
    md5: str | None = None,
    max_redirect_hops: int = 3,
) -> None:
    """The file in ``root``, downloaded (with a progress bar) unless it is there already.

    Raises:
        RuntimeError: what came has another md5 sum.
        URLError: there is no network, or no such address.
    """
    root = os.path.expanduser(root)
    target = os.path.join(root, filename or os.path.basename(url))
    os.makedirs(root, exist_ok=True)
    if check_integrity(target, md5):
        return
    partial = f"{target}.part"
    try:
        _retrieve(url, partial)
        if not check_integrity(partial, md5):
            raise RuntimeError("File not found or corrupted.")
        os.replace(partial, target)
    finally:
        if os.path.exists(partial):
            os.remove(partial)


def _retrieve(url: str, filename: str) -> None:
    request = urllib.request.Request(url, headers={"User-Agent": USER_AGENT})
    with (
        urllib.request.urlopen(request, timeout=30) as response,
        open(filename, "wb") as file,
        progress(total=response.length, unit="B", unit_scale=True) as bar,
    ):
        while chunk := response.read(_CHUNK):
            file.write(chunk)
            bar.update(len(chunk))


def progress(**options: Any) -> Any:
    """tqdm's bar; without tqdm, nothing is shown."""
    try:
        from tqdm.auto import tqdm
    except ModuleNotFoundError:
        return _NoBar()
    return tqdm(**options)


class _NoBar:
    def __enter__(self) -> _NoBar:
        return self

    def __exit__(self, *exc: object) -> None:
        return None

    def update(self, n: int) -> None:
        return None


def extract_archive(
    from_path: PathLike, to_path: PathLike | None = None, remove_finished: bool = False
) -> PathLike:
    """Unpacks .zip, .tar(.gz, .bz2, .xz), or a single compressed file.

    Raises:
        RuntimeError: neither.
    """
    folder = os.path.dirname(from_path) if to_path is None else os.fspath(to_path)
    name, suffix = os.path.splitext(os.path.basename(from_path))
    out: PathLike = folder
    if suffix in _TAR_ALIASES or suffix == ".tar" or name.endswith(".tar"):
        with tarfile.open(from_path) as archive:
            archive.extractall(folder, filter="data")
    elif suffix == ".zip":
        with zipfile.ZipFile(from_path) as archive:
            archive.extractall(folder)
    elif suffix in _OPENERS:
        out = os.path.join(folder, name)
        with _OPENERS[suffix](from_path, "rb") as source, open(out, "wb") as target:
            shutil.copyfileobj(source, target)
    else:
        known = sorted({*_OPENERS, *_TAR_ALIASES, ".tar", ".zip"})
        raise RuntimeError(
            f"Unknown compression or archive type: '{suffix}'.\nKnown suffixes are: '{known}'."
        )
    if remove_finished:
        os.remove(from_path)
    return out if isinstance(from_path, str) else Path(out)


def download_and_extract_archive(
    url: str,
    download_root: PathLike,
    extract_root: PathLike | None = None,
    filename: PathLike | None = None,
    md5: str | None = None,
    remove_finished: bool = False,
) -> None:
    """``download_url``, then ``extract_archive``."""
    root = os.path.expanduser(download_root)
    name = filename or os.path.basename(url)
    download_url(url, root, name, md5)
    extract_archive(os.path.join(root, name), extract_root or root, remove_finished)


def iterable_to_str(iterable: Iterable[Any]) -> str:
    return "'" + "', '".join(str(item) for item in iterable) + "'"


def verify_str_arg(
    value: Any,
    arg: str | None = None,
    valid_values: Iterable[str] | None = None,
    custom_msg: str | None = None,
) -> str:
    """``value``, if it is one of the valid ones.

    Raises:
        ValueError: it is not.
    """
    if not isinstance(value, str):
        of = "" if arg is None else f" for argument {arg}"
        raise ValueError(f"Expected type str{of}, but got type {type(value)}.")
    if valid_values is not None and value not in valid_values:
        raise ValueError(
            custom_msg
            or f"Unknown value '{value}' for argument {arg}. "
            f"Valid values are {{{iterable_to_str(valid_values)}}}."
        )
    return value
