"""``torch.hub``: models from a folder or a GitHub repository with a ``hubconf.py``, and files from the web."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import re
import shutil
import sys
import tempfile
import urllib.error
import urllib.request
import warnings
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from .core.config import hub_home
from .io import load as _load

__all__ = [
    "download_url_to_file", "get_dir", "help", "list", "load", "load_state_dict_from_url", "set_dir",
]  # fmt: skip

HASH_REGEX = re.compile(r"-([a-f0-9]*)\.")
READ_DATA_CHUNK = 128 * 1024
_CONF = "hubconf.py"
_dir: Any = []


def get_dir() -> str:
    """The folder of downloads: ``set_dir``'s, or ``$TORCH_HOME/hub``."""
    return _dir[-1] if _dir else str(hub_home() / "hub")


def set_dir(d: str | os.PathLike[str]) -> None:
    _dir[:] = [os.path.expanduser(d)]


# --- files -----------------------------------------------------------------------------------


def download_url_to_file(
    url: str, dst: str, hash_prefix: str | None = None, progress: bool = True
) -> None:
    """Downloads; the file appears when it is whole and, if a prefix is given, its SHA-256 fits.

    Raises:
        RuntimeError: it does not.
    """
    request = urllib.request.Request(url, headers={"User-Agent": "torch.hub"})
    dst = os.path.expanduser(dst)
    made = tempfile.NamedTemporaryFile(dir=os.path.dirname(dst) or ".", delete=False)  # noqa: SIM115
    digest = hashlib.sha256()
    try:
        with made, urllib.request.urlopen(request) as source:
            bar = _bar(source.headers.get("Content-Length"), progress)
            while chunk := source.read(READ_DATA_CHUNK):
                made.write(chunk)
                digest.update(chunk)
                bar.update(len(chunk))
            bar.close()
        found = digest.hexdigest()
        if hash_prefix is not None and found[: len(hash_prefix)] != hash_prefix:
            raise RuntimeError(f'invalid hash value (expected "{hash_prefix}", got "{found}")')
        shutil.move(made.name, dst)
    finally:
        Path(made.name).unlink(missing_ok=True)


class _Silent:
    def update(self, count: int) -> None:
        """Nobody looks."""

    def close(self) -> None:
        """Nobody looks."""


def _bar(length: str | None, progress: bool) -> Any:
    if progress and importlib.util.find_spec("tqdm") is not None:
        tqdm = importlib.import_module("tqdm").tqdm
        total = None if length is None else int(length)
        return tqdm(total=total, unit="B", unit_scale=True, unit_divisor=1024)
    return _Silent()


def load_state_dict_from_url(
    url: str, model_dir: str | None = None, map_location: Any = None, progress: bool = True,
    check_hash: bool = False, file_name: str | None = None, weights_only: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """``torch.load`` of a file that is downloaded once.

    Raises:
        RuntimeError: ``check_hash``, and the file's hash is not the one in its name.
    """
    folder = os.path.join(get_dir(), "checkpoints") if model_dir is None else model_dir
    os.makedirs(folder, exist_ok=True)
    name = file_name or os.path.basename(urlparse(url).path)
    cached = os.path.join(folder, name)
    if not os.path.exists(cached):
        sys.stderr.write(f'Downloading: "{url}" to {cached}\n')
        found = HASH_REGEX.search(name) if check_hash else None
        download_url_to_file(url, cached, found.group(1) if found else None, progress)
    if zipfile.is_zipfile(cached):
        with zipfile.ZipFile(cached) as archive:
            members = archive.infolist()
            if len(members) == 1:  # a zipped checkpoint, as old ones were published
                warnings.warn(
                    "Falling back to the old format < 1.6. This support will be deprecated in favor of "
                    "default zipfile format introduced in 1.6. Please redo torch.save() to save it in the "
                    "new zipfile format.",
                    stacklevel=2,
                )
                archive.extractall(folder)
                cached = os.path.join(folder, members[0].filename)
    return _load(cached, map_location=map_location, weights_only=weights_only)


# --- repositories ------------------------------------------------------------------------------


def load(
    repo_or_dir: Any, model: str, *args: Any, source: str = "github", trust_repo: Any = "check",
    force_reload: bool = False, verbose: bool = True, skip_validation: bool = False, **kwargs: Any,
) -> Any:  # fmt: skip
    """``model(*args, **kwargs)`` of a repository's ``hubconf.py``.

    Raises:
        ValueError: unknown source.
        RuntimeError: no such function, or a package it depends on is missing.
    """
    source = source.lower()
    if source not in ("github", "local"):
        raise ValueError(f'Unknown source: "{source}". Allowed values: "github" | "local".')
    if source == "github":
        repo_or_dir = _repository(repo_or_dir, force_reload, trust_repo, "load", verbose)
    return _entry(_configuration(repo_or_dir), model)(*args, **kwargs)


def list(
    github: str, force_reload: bool = False, skip_validation: bool = False, trust_repo: Any = "check",
    verbose: bool = True,
) -> Any:  # fmt: skip
    """The names of the functions in a repository's ``hubconf.py``."""
    conf = _configuration(_repository(github, force_reload, trust_repo, "list", verbose))
    return [name for name in dir(conf) if callable(getattr(conf, name)) and not name.startswith("_")]


def help(
    github: str, model: str, force_reload: bool = False, skip_validation: bool = False,
    trust_repo: Any = "check",
) -> str | None:  # fmt: skip
    """The docstring of a function in a repository's ``hubconf.py``."""
    conf = _configuration(_repository(github, force_reload, trust_repo, "help", True))
    return _entry(conf, model).__doc__


def _configuration(folder: str) -> Any:
    """The module ``hubconf`` of a folder, whose other modules it may import."""
    folder = os.path.realpath(folder)
    spec = importlib.util.spec_from_file_location("hubconf", os.path.join(folder, _CONF))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, folder)
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(folder)
    return module


def _entry(conf: Any, name: str) -> Any:
    if not isinstance(name, str):
        raise ValueError("Invalid input: model should be a string of function name")
    absent = [
        package for package in getattr(conf, "dependencies", ()) if importlib.util.find_spec(package) is None
    ]
    if absent:
        raise RuntimeError(f"Missing dependencies: {', '.join(absent)}")
    found = getattr(conf, name, None)
    if not callable(found):
        raise RuntimeError(f"Cannot find callable {name} in hubconf")
    return found


def _repository(
    github: str, force_reload: bool, trust_repo: Any, calling: str, verbose: bool
) -> str:
    """The folder of ``owner/name[:ref]``, downloaded once."""
    whole, _, ref = github.partition(":")
    owner, name = whole.split("/")
    known = os.path.join(get_dir(), "trusted_list")
    for branch in (ref,) if ref else ("main", "master"):
        folder = os.path.join(get_dir(), f"{owner}_{name}_{branch.replace('/', '_')}")
        if os.path.isdir(folder) and not force_reload:
            if verbose:
                sys.stderr.write(f"Using cache found in {folder}\n")
            return folder
    os.makedirs(get_dir(), exist_ok=True)
    _check_trusted(f"{owner}_{name}", known, trust_repo)
    for branch in (ref,) if ref else ("main", "master"):
        folder = os.path.join(get_dir(), f"{owner}_{name}_{branch.replace('/', '_')}")
        url = f"https://github.com/{owner}/{name}/zipball/{branch}"
        try:
            _unpack(url, folder, verbose)
        except urllib.error.HTTPError as error:
            if ref or branch == "master" or error.code != 404:
                raise
            continue
        return folder
    raise AssertionError("unreachable: the last branch raises")


def _unpack(url: str, folder: str, verbose: bool) -> None:
    """The one folder in an archive from the web, as ``folder``."""
    if verbose:
        sys.stderr.write(f'Downloading: "{url}" to {folder}\n')
    with tempfile.TemporaryDirectory(dir=get_dir()) as scratch:
        archive = os.path.join(scratch, "repository.zip")
        download_url_to_file(url, archive, progress=False)
        with zipfile.ZipFile(archive) as file:
            inner = file.infolist()[0].filename
            file.extractall(scratch)
        shutil.rmtree(folder, ignore_errors=True)
        shutil.move(os.path.join(scratch, inner), folder)


def _check_trusted(repository: str, known: str, trust_repo: Any) -> None:
    """Asks before code from the web runs, unless it is on the list or the caller vouches for it.

    Raises:
        EOFError, RuntimeError: nobody says yes.
    """
    trusted = Path(known).read_text().split() if os.path.exists(known) else []
    if repository in trusted or repository.partition("_")[0] in ("pytorch", "facebookresearch"):
        return
    if trust_repo is False or trust_repo == "check":
        owner, _, name = repository.partition("_")
        answer = input(
            f"The repository {owner}_{name} does not belong to the list of trusted repositories and as "
            "such cannot be downloaded. Do you trust this repository and wish to add it to the trusted "
            "list of repositories (y/N)?"
        )
        if answer.lower() not in ("y", "yes"):
            raise RuntimeError("Untrusted repository.")
    with open(known, "a") as file:
        file.write(f"{repository}\n")
