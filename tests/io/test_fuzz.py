"""Thousands of mutated checkpoints: each loads or ends with a clear error, fast and in little memory."""

from __future__ import annotations

import collections
import io
import pickle
import random
import resource
import struct
import time
import warnings
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
import safetensors
import torch

import torchlike
from torchlike.io import safetensors_torch

# What a program that reads a file from outside has to expect. MemoryError, RecursionError, a plain
# KeyError without words and whatever comes out of NumPy or JAX is none of it.
CLEAN = (
    RuntimeError, ValueError, TypeError, EOFError, pickle.UnpicklingError, AttributeError,
    LookupError, AssertionError, OverflowError, struct.error, UnicodeDecodeError,
    NotImplementedError, safetensors.SafetensorError,
)  # fmt: skip
EXTREMES = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 1 << 62, (1 << 64) - 1)
SECONDS, MEGABYTES = 5.0, 512
CHUNKS = 20  # as many tests, so that a failure is found again quickly


def trained() -> dict[str, Any]:
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.BatchNorm1d(3))
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.randn(5, 4)).sum().backward()
    optimizer.step()
    shared = torch.arange(12.0)
    return {
        "model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3,
        "views": (shared[2:6], shared.reshape(3, 4).t()), "kinds": [torch.ones(2).bfloat16(), True, None],
        "shape": torch.Size([1, 2]), "dtype": torch.float16, "nested": {"a": [{"b": {1, 2}}]},
    }  # fmt: skip


def saved(whole: Any, legacy: bool) -> bytes:
    buffer = io.BytesIO()
    torch.save(whole, buffer, _use_new_zipfile_serialization=not legacy)
    return buffer.getvalue()


def sources() -> dict[str, bytes]:
    tensors = {"a": torch.arange(6.0), "b": torch.ones(2, 3).half()}
    return {
        "zip": saved(trained(), legacy=False),
        "legacy": saved(trained(), legacy=True),
        "small": saved({"a": torch.ones(2)}, legacy=False),
        "safetensors": safetensors_torch.save(
            {k: torchlike.tensor(t.tolist()) for k, t in tensors.items()}
        ),
    }


# --- mutations -----------------------------------------------------------------------------------


def flip(data: bytearray, chance: random.Random) -> None:
    for _ in range(chance.randint(1, 8)):
        data[chance.randrange(len(data))] = chance.randrange(256)


def cut(data: bytearray, chance: random.Random) -> None:
    del data[chance.randrange(len(data)) :]


def drop(data: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(data))
    del data[at : at + chance.randint(1, 64)]


def repeat(data: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(data))
    data[at:at] = data[at : at + chance.randint(1, 64)] * chance.randint(1, 20)


def blank(data: bytearray, chance: random.Random) -> None:
    at, n = chance.randrange(len(data)), chance.randint(1, 64)
    data[at : at + n] = bytes([chance.choice((0, 255))]) * len(data[at : at + n])


def lie(data: bytearray, chance: random.Random) -> None:
    """A number somewhere becomes an extreme one."""
    size = chance.choice("BHIQ")
    width = struct.calcsize(size)
    if len(data) > width:
        at = chance.randrange(len(data) - width)
        number = chance.choice(EXTREMES) & ((1 << 8 * width) - 1)
        data[at : at + width] = struct.pack(f"<{size}", number)


def rename(data: bytearray, chance: random.Random) -> None:
    """A name in a pickle becomes another."""
    old, new = chance.choice(
        [(b"torch._utils", b"os"), (b"_rebuild_tensor_v2", b"system"), (b"FloatStorage", b"NoneStorage"),
         (b"OrderedDict", b"defaultdict"), (b"storage", b"garbage"), (b"cpu", b"cuda:9")]
    )  # fmt: skip
    data[:] = data.replace(old, new)


MUTATIONS: tuple[Callable[..., None], ...] = (flip, cut, drop, repeat, blank, lie, rename)


def inside(data: bytes, mutate: Callable[[bytearray], None], chance: random.Random) -> bytes:
    """An archive in which one record was mutated, with checksums that fit."""
    made, old = io.BytesIO(), zipfile.ZipFile(io.BytesIO(data))
    names = old.namelist()
    target = next(n for n in names if n.endswith("data.pkl"))
    if chance.random() < 0.3:
        target = chance.choice(names)
    with zipfile.ZipFile(made, "w") as new:
        for name in names:
            content = bytearray(old.read(name))
            if name == target and content:
                mutate(content)
            new.writestr(name, bytes(content))
    return made.getvalue()


def mutated(data: bytes, kind: str, chance: random.Random) -> bytes:
    def mutate(content: bytearray) -> None:
        for _ in range(chance.randint(1, 3)):
            if content:
                chance.choice(MUTATIONS)(content, chance)

    if kind in ("zip", "small") and chance.random() < 0.6:
        return inside(data, mutate, chance)
    content = bytearray(data)
    mutate(content)
    return bytes(content)


# --- loading ---------------------------------------------------------------------------------------


def load(data: bytes, kind: str) -> Any:
    if kind == "safetensors":
        return safetensors_torch.load(data)
    return torchlike.load(io.BytesIO(data))


def check(seed: int, outcomes: collections.Counter[str], all_sources: dict[str, bytes]) -> None:
    chance = random.Random(seed)
    kind = chance.choice(list(all_sources))
    data = mutated(all_sources[kind], kind, chance)
    start = time.perf_counter()
    found: BaseException | None = None
    try:
        load(data, kind)
    except BaseException as error:
        found = error
    if found is not None:
        words = f"seed {seed} ({kind}): {type(found).__name__}: {found}"
        assert isinstance(found, CLEAN), words
        assert str(found) or isinstance(found, (EOFError, AssertionError)), words
    outcomes["loaded" if found is None else type(found).__name__] += 1
    assert time.perf_counter() - start < SECONDS, f"seed {seed} ({kind}) takes long"


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def sweep(seeds: range) -> collections.Counter[str]:
    outcomes: collections.Counter[str] = collections.Counter()
    found = sources()
    before = peak()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for seed in seeds:
            check(seed, outcomes, found)
    assert peak() - before < MEGABYTES
    return outcomes


def test_some_mutated_files():
    outcomes = sweep(range(400))
    assert outcomes["loaded"] > 10, "the mutations leave nothing to read"
    assert sum(outcomes.values()) - outcomes["loaded"] > 100, "the mutations are harmless"


@pytest.mark.parity
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_ten_thousand_mutated_files(chunk: int):
    size = 10_000 // CHUNKS
    sweep(range(chunk * size, (chunk + 1) * size))
