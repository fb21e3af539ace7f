"""Files that are cut, corrupt, lying or hostile: PyTorch's error, and no code is run."""

from __future__ import annotations

import contextlib
import io
import os
import pickle
import struct
import zipfile
from typing import Any

import pytest
import torch
from hypothesis import given, settings, strategies as st

import torchlike
from torchlike.io import serialization

LIBRARIES = (torch, torchlike)


def checkpoint(legacy: bool = False) -> bytes:
    buffer = io.BytesIO()
    whole = {"a": torch.arange(10.0), "b": torch.ones(3, 2).t()}
    torch.save(whole, buffer, _use_new_zipfile_serialization=not legacy)
    return buffer.getvalue()


def rewritten(changes: dict[str, bytes | None]) -> bytes:
    made, old = io.BytesIO(), zipfile.ZipFile(io.BytesIO(checkpoint()))
    with zipfile.ZipFile(made, "w") as new:
        for name in old.namelist():
            content = changes.get(name.partition("/")[2], old.read(name))
            if content is not None:
                new.writestr(name, content)
    return made.getvalue()


PICKLED = zipfile.ZipFile(io.BytesIO(checkpoint())).read("archive/data.pkl")
DAMAGED = {
    "empty": b"",
    "cut in half": checkpoint()[: len(checkpoint()) // 2],
    "tail missing": checkpoint()[:-5],
    "zip magic only": b"PK\x03\x04" + b"x" * 100,
    "no pickle": rewritten({"data.pkl": None}),
    "no storage": rewritten({"data/0": None}),
    "short storage": rewritten({"data/0": b"1234"}),
    "long storage": rewritten({"data/0": b"1234" * 100}),
    "byte order": rewritten({"byteorder": b"xx"}),
    "empty pickle": rewritten({"data.pkl": b""}),
    "negative offset": rewritten(
        {"data.pkl": PICKLED.replace(b"QK\x00K\n\x85", b"QJ\xff\xff\xff\xffK\n\x85")}
    ),
    "cut legacy": checkpoint(legacy=True)[:-4],
    "half legacy": checkpoint(legacy=True)[:100],
}


@pytest.mark.parametrize("what", DAMAGED)
def test_damaged_files(what: str) -> None:
    raised = []
    for library in LIBRARIES:
        with pytest.raises(Exception) as error:
            library.load(io.BytesIO(DAMAGED[what]))
        raised.append((error.type, str(error.value)))
    assert raised[0] == raised[1]


def test_a_tensor_larger_than_its_storage() -> None:
    data = rewritten({"data.pkl": PICKLED.replace(b"QK\x00K\n\x85", b"QK\x00K\x7f\x85")})
    for library in LIBRARIES:
        with pytest.raises(RuntimeError):
            library.load(io.BytesIO(data))


def test_a_huge_claim_allocates_nothing() -> None:
    count = b"\x8a\x08" + struct.pack("<q", 1 << 60)
    legacy = checkpoint(legacy=True)
    position = legacy.index(b"K\nNtq")
    for data in (
        rewritten({"data.pkl": PICKLED.replace(b"K\ntq", count + b"tq", 1)}),
        legacy[:position] + count + legacy[position + 2 :],
    ):
        with pytest.raises(RuntimeError):
            torchlike.load(io.BytesIO(data))


class Harmful:
    """What a hostile checkpoint would run."""

    def __init__(self, call: Any, *args: Any) -> None:
        self.call, self.args = call, args

    def __reduce__(self) -> tuple[Any, ...]:
        return self.call, self.args


HOSTILE = {
    "os.system": Harmful(os.system, "touch /tmp/torchlike-was-here"),
    "eval": Harmful(eval, "1/0"),
    "print": print,
    "getattr": Harmful(getattr, 1, "real"),
    "open": Harmful(open, "/tmp/torchlike-was-here", "w"),
}


@pytest.mark.parametrize("what", HOSTILE)
@pytest.mark.parametrize("protocol", [2, 4])
def test_hostile_files(what: str, protocol: int) -> None:
    data = rewritten({"data.pkl": pickle.dumps(HOSTILE[what], protocol=protocol)})
    raised = []
    for library in LIBRARIES:
        warned = pytest.warns(UserWarning, match="pickle protocol 4") if protocol > 2 else _quiet()
        with warned, pytest.raises(pickle.UnpicklingError) as error:
            library.load(io.BytesIO(data))
        raised.append(str(error.value))
    assert raised[0] == raised[1]
    assert not os.path.exists("/tmp/torchlike-was-here")


class _quiet:
    def __enter__(self) -> None: ...
    def __exit__(self, *exc: object) -> None: ...


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_flipped_bytes_raise_or_load(data: st.DataObject) -> None:
    """Whatever is in the file: an ordinary exception, or an object; never a crash."""
    content = bytearray(checkpoint(legacy=data.draw(st.booleans())))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at] = data.draw(st.integers(0, 255))
    allowed = (
        RuntimeError, ValueError, TypeError, LookupError, AttributeError, EOFError, struct.error,
        pickle.UnpicklingError, AssertionError, OverflowError, UserWarning,
    )  # fmt: skip
    with contextlib.suppress(*allowed):
        torchlike.load(io.BytesIO(bytes(content)))


class Custom:
    """A class that the user may allow."""

    def __init__(self, x: int) -> None:
        self.x = x

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Custom) and self.x == other.x

    __hash__ = None  # type: ignore[assignment]


def test_safe_globals() -> None:
    buffer = io.BytesIO()
    torchlike.save([Custom(3)], buffer)
    data = buffer.getvalue()
    name = f"{Custom.__module__}.Custom"
    raised = []
    kept = torch.serialization.get_safe_globals()  # PyTorch puts its own there
    for library in LIBRARIES:
        with pytest.raises(pickle.UnpicklingError, match="was not an allowed global") as error:
            library.load(io.BytesIO(data))
        raised.append(str(error.value))
        space = library.serialization
        assert space.get_unsafe_globals_in_checkpoint(io.BytesIO(data)) == [name]
        with space.safe_globals([Custom]):
            assert library.load(io.BytesIO(data)) == [Custom(3)]
            assert Custom in space.get_safe_globals()
        assert Custom not in space.get_safe_globals()
        space.add_safe_globals([(Custom, name)])
        try:
            assert library.load(io.BytesIO(data)) == [Custom(3)]
        finally:
            space.clear_safe_globals()
        assert space.get_safe_globals() == []
        assert library.load(io.BytesIO(data), weights_only=False) == [Custom(3)]
    torch.serialization.add_safe_globals(kept)
    assert raised[0] == raised[1]


def test_arguments_that_exclude_each_other() -> None:
    for library in LIBRARIES:
        with pytest.raises(RuntimeError, match="^Can not safely load weights when"):
            library.load(io.BytesIO(checkpoint()), weights_only=True, pickle_module=pickle)
        with pytest.raises(RuntimeError, match="^mmap can only be used with files saved with"):
            library.load(io.BytesIO(checkpoint(legacy=True)), mmap=True)


def test_unseekable_file() -> None:
    class Pipe:
        def read(self, n: int = -1) -> bytes:
            return b""

    raised = []
    for library in LIBRARIES:
        with pytest.raises(AttributeError) as error:
            library.load(Pipe())
        raised.append(str(error.value))
    assert raised[0] == raised[1]


def test_environment_forces_weights_only(monkeypatch: pytest.MonkeyPatch) -> None:
    data = rewritten({"data.pkl": pickle.dumps(HOSTILE["print"], protocol=2)})
    with monkeypatch.context() as changed:
        changed.setenv("TORCH_FORCE_WEIGHTS_ONLY_LOAD", "1")
        with pytest.raises(pickle.UnpicklingError):
            torchlike.load(io.BytesIO(data), weights_only=False)
    with monkeypatch.context() as changed:
        changed.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
        with pytest.warns(UserWarning, match="TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD detected"):
            assert torchlike.load(io.BytesIO(data)) is print


def test_every_name_of_pytorchs_module_is_there() -> None:
    missing = {"check_module_version_greater_or_equal", "get_crc32_options", "mkdtemp",
               "normalize_storage_type", "set_crc32_options", "skip_data", "storage_to_tensor_type",
               "validate_hpu_device"}  # fmt: skip
    for name in set(torch.serialization.__all__) - missing:
        assert hasattr(serialization, name), name
