"""Checkpoints written by one library and read by the other."""

from __future__ import annotations

import collections
import io
import os
import pathlib
import pickle
import zipfile
from typing import Any

import numpy as np
import pytest
import torch

import torchlike

PAIRS = [(torch, torchlike), (torchlike, torch), (torchlike, torchlike)]
DTYPES = (
    "bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "float16",
    "bfloat16", "float32", "float64", "float8_e4m3fn", "float8_e5m2", "complex64", "complex128",
)  # fmt: skip
pairs = pytest.mark.parametrize(
    ("writer", "reader"), PAIRS, ids=["reads", "writes", "round trip"]
)


def passed(obj: Any, writer: Any, reader: Any, save: Any = None, load: Any = None) -> Any:
    """``obj`` through a file from one library to the other."""
    buffer = io.BytesIO()
    writer.save(obj, buffer, **(save or {}))
    buffer.seek(0)
    return reader.load(buffer, **(load or {}))


@pairs
@pytest.mark.parametrize("dtype", DTYPES)
def test_dtypes(writer: Any, reader: Any, dtype: str) -> None:
    found = passed(writer.tensor([[0, 1, 2]]).to(getattr(writer, dtype)), writer, reader)
    assert str(found.dtype) == f"torch.{dtype}"
    assert found.to(reader.float32 if "complex" not in dtype else found.dtype).tolist() == [
        [0, 1, int(dtype != "bool") + 1]
    ]


@pairs
@pytest.mark.parametrize("shape", [(), (0,), (2, 0, 3), (5,), (2, 3, 4)])
def test_shapes(writer: Any, reader: Any, shape: tuple[int, ...]) -> None:
    found = passed(writer.full(shape, 2.5), writer, reader)
    assert tuple(found.shape) == shape
    assert found.tolist() == np.full(shape, 2.5).tolist()


@pairs
@pytest.mark.parametrize("legacy", [False, True])
def test_views_share_their_storage(writer: Any, reader: Any, legacy: bool) -> None:
    x = writer.arange(12.0).reshape(3, 4)
    whole = {"x": x, "t": x.t(), "part": x[1:, ::2], "row": x[2], "wide": x[0:1].expand(3, 4)}
    found = passed(whole, writer, reader, {"_use_new_zipfile_serialization": not legacy})
    for name, view in whole.items():
        assert found[name].stride() == view.stride(), name
        assert found[name].storage_offset() == view.storage_offset(), name
        assert found[name].tolist() == view.tolist(), name
        assert found[name].is_leaf
    found["row"].fill_(-1.0)
    assert found["x"].tolist()[2] == [-1.0] * 4
    assert found["part"].tolist() == [[4.0, 6.0], [-1.0, -1.0]]
    assert found["t"].tolist()[3] == [3.0, 7.0, -1.0]


@pairs
def test_tied_tensors(writer: Any, reader: Any) -> None:
    x = writer.ones(2, 2)
    found = passed([x, x, x.detach()], writer, reader)
    assert found[0] is found[1]
    found[2].zero_()
    assert found[0].tolist() == [[0.0, 0.0], [0.0, 0.0]]


@pairs
def test_nested_objects(writer: Any, reader: Any) -> None:
    whole = {
        "list": [1, -2, 2.5, "text", b"bytes", None, True, 1 << 70], 3: (1, (2, ())), "set": {1, 2},
        "complex": 1 + 2j, "dtype": writer.float16, "device": writer.device("cpu"),
        "cuda": writer.device("cuda", 1), "size": writer.Size([2, 3]), "layout": writer.strided,
        "counter": collections.Counter("aab"), "bytearray": bytearray(b"xy"),
        "odict": collections.OrderedDict(b=writer.ones(1), a=2),
    }  # fmt: skip
    found = passed(whole, writer, reader)
    assert list(found) == list(whole)
    for key in ("list", 3, "set", "complex", "counter", "bytearray"):
        assert found[key] == whole[key]
        assert type(found[key]) is type(whole[key])
    assert found["dtype"] is reader.float16
    assert found["device"] == reader.device("cpu")
    assert found["cuda"] == reader.device("cuda", 1)
    assert found["size"] == reader.Size([2, 3])
    assert type(found["size"]) is reader.Size
    assert found["layout"] is reader.strided
    assert list(found["odict"]) == ["b", "a"]


@pairs
def test_parameters_and_gradients_flags(writer: Any, reader: Any) -> None:
    p = writer.nn.Parameter(writer.ones(2), requires_grad=False)
    p.note = "kept"
    found = passed([p, writer.ones(2).requires_grad_(), writer.nn.Parameter(p * 2)], writer, reader)
    assert type(found[0]) is reader.nn.Parameter
    assert [t.requires_grad for t in found] == [False, True, True]
    assert found[0].note == "kept"


@pairs
def test_state_dicts(writer: Any, reader: Any) -> None:
    def model(library: Any) -> Any:
        nn = library.nn
        return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2)).eval()

    mine, theirs = model(writer), model(reader)
    state = passed(mine.state_dict(), writer, reader)
    assert state._metadata == mine.state_dict()._metadata
    theirs.load_state_dict(state)
    x = np.linspace(-1, 1, 6, dtype=np.float32).reshape(2, 3)
    a, b = mine(writer.tensor(x)), theirs(reader.tensor(x))
    np.testing.assert_allclose(a.tolist(), b.tolist(), rtol=1e-5, atol=1e-6)


@pairs
def test_whole_modules(writer: Any, reader: Any) -> None:
    nn = writer.nn
    made = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.GELU(), nn.Flatten(), nn.Linear(8, 2)
    ).eval()
    found = passed(made, writer, reader, load={"weights_only": False})
    assert isinstance(found, reader.nn.Sequential)
    assert repr(found) == repr(made)
    x = np.linspace(-1, 1, 16, dtype=np.float32).reshape(1, 1, 4, 4)
    a, b = made(writer.tensor(x)), found(reader.tensor(x))
    np.testing.assert_allclose(a.tolist(), b.tolist(), rtol=1e-5, atol=1e-6)


@pairs
def test_optimizer_state(writer: Any, reader: Any) -> None:
    def start(library: Any) -> tuple[Any, Any]:
        p = library.ones(3).requires_grad_()
        return p, library.optim.Adam([p], lr=0.1, amsgrad=True)

    p, optimizer = start(writer)
    p.grad = writer.tensor([1.0, 2.0, 3.0])
    optimizer.step()
    q, twin = start(reader)
    twin.load_state_dict(passed(optimizer.state_dict(), writer, reader))
    with reader.no_grad():
        q.copy_(reader.tensor(p.tolist()))
    q.grad = reader.tensor([1.0, 2.0, 3.0])
    p.grad = writer.tensor([1.0, 2.0, 3.0])
    optimizer.step(), twin.step()
    np.testing.assert_allclose(q.tolist(), p.tolist(), rtol=1e-6)
    assert twin.state[q]["step"].item() == 2


def test_the_pickle_is_pytorchs_to_the_byte() -> None:
    pickles = []
    for library in (torch, torchlike):
        x = library.arange(6.0).reshape(2, 3)
        whole = {"a": x, "b": x.t(), "c": [library.float32, library.Size([1])]}
        buffer = io.BytesIO()
        library.save(whole, buffer)
        pickles.append(zipfile.ZipFile(buffer).read("archive/data.pkl"))
    assert pickles[0] == pickles[1]


def test_data_is_aligned() -> None:
    buffer = io.BytesIO()
    torchlike.save([torchlike.ones(3), torchlike.ones(5, dtype=torchlike.int64)], buffer)
    reader = torch._C.PyTorchFileReader(io.BytesIO(buffer.getvalue()))
    for name in ("data/0", "data/1"):
        assert reader.get_record_offset(name) % 64 == 0


@pytest.mark.parametrize("mmap", [False, True])
@pytest.mark.parametrize("kind", [str, pathlib.Path])
def test_paths(tmp_path: pathlib.Path, kind: Any, mmap: bool) -> None:
    path = kind(tmp_path / "model.pt")
    torchlike.save({"w": torchlike.arange(4)}, path)
    for library in (torch, torchlike):
        found = library.load(path, mmap=mmap)["w"]
        assert found.tolist() == [0, 1, 2, 3]
        found.fill_(9)
    assert torch.load(path)["w"].tolist() == [0, 1, 2, 3]
    assert zipfile.ZipFile(path).namelist()[0] == "model/data.pkl"
    assert os.listdir(tmp_path) == ["model.pt"]


def test_a_failed_save_leaves_the_old_file(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "model.pt"
    torchlike.save(torchlike.ones(2), path)
    for library in (torch, torchlike):
        with pytest.raises(AttributeError, match="Can't pickle local object"):
            library.save([library.zeros(2), _local()], tmp_path / f"{library.__name__}.pt")
    with pytest.raises(AttributeError, match="Can't pickle local object"):
        torchlike.save([torchlike.zeros(2), _local()], path)
    assert torchlike.load(path).tolist() == [1.0, 1.0]
    assert not list(tmp_path.glob(".*"))


def _local() -> Any:
    def inner() -> None: ...

    return inner


class WithState:
    """A user's own class inside a checkpoint."""

    def __init__(self, weight: Any) -> None:
        self.weight = weight
        self.kind = type(weight)


@pytest.mark.parametrize("module", ["pickle", "cloudpickle"])
def test_own_classes(module: str) -> None:
    other = pytest.importorskip(module)
    buffer = io.BytesIO()
    torchlike.save(WithState(torchlike.ones(2)), buffer, pickle_module=other)
    buffer.seek(0)
    found = torchlike.load(buffer, weights_only=False)
    assert type(found) is WithState
    assert found.weight.tolist() == [1.0, 1.0]
    assert found.kind is torchlike.Tensor


def test_protocol_0_cannot_name_storages() -> None:
    """Differs: PyTorch writes a file that nobody can read."""
    with pytest.raises(pickle.PicklingError, match="protocol 0 must be ASCII"):
        torchlike.save(torchlike.ones(2), io.BytesIO(), pickle_protocol=0)


@pytest.mark.parametrize("protocol", [1, 2, 3, 4, 5])
def test_protocols(protocol: int) -> None:
    found = passed(
        {"a": torchlike.ones(2)}, torchlike, torch, {"pickle_protocol": protocol},
        {"weights_only": False},
    )  # fmt: skip
    assert found["a"].tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    "location",
    ["cpu", b"cpu", torchlike.device("cpu"), {"cuda:0": "cpu"}, lambda storage, place: storage],
)
def test_map_location(location: Any) -> None:
    """A checkpoint from a GPU, on a machine without one."""
    buffer = io.BytesIO()
    torch.save({"w": torch.ones(2)}, buffer)
    data = _rewritten(buffer.getvalue(), {"data.pkl": _located(buffer.getvalue(), b"cuda:0")})
    assert torchlike.load(io.BytesIO(data), map_location=location)["w"].tolist() == [1.0, 1.0]


def test_missing_device_is_an_error() -> None:
    buffer = io.BytesIO()
    torch.save(torch.ones(2), buffer)
    data = _rewritten(buffer.getvalue(), {"data.pkl": _located(buffer.getvalue(), b"cuda:0")})
    texts = []
    for library in (torch, torchlike):
        with pytest.raises(RuntimeError) as error:
            library.load(io.BytesIO(data))
        texts.append(str(error.value))
    assert texts[0] == texts[1]


def test_map_location_meta() -> None:
    found = passed(torch.ones(2, 3), torch, torchlike, load={"map_location": "meta"})
    assert found.device.type == "meta"
    assert tuple(found.shape) == (2, 3)


def _located(data: bytes, place: bytes) -> bytes:
    pickled = zipfile.ZipFile(io.BytesIO(data)).read("archive/data.pkl")
    return pickled.replace(
        b"X\x03\x00\x00\x00cpu", b"X" + len(place).to_bytes(4, "little") + place
    )


def _rewritten(data: bytes, changes: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    old = zipfile.ZipFile(io.BytesIO(data))
    with zipfile.ZipFile(made, "w") as new:
        for name in old.namelist():
            short = name.partition("/")[2]
            new.writestr(name, changes.get(short, old.read(name)))
    return made.getvalue()


def test_compressed_and_big_endian_archives() -> None:
    buffer = io.BytesIO()
    torch.save({"w": torch.tensor([1.0, 2.0]), "z": torch.tensor([1 + 2j])}, buffer)
    old, made = zipfile.ZipFile(buffer), io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = old.read(name)
            if name.endswith("byteorder"):
                content = b"big"
            elif "/data/" in name:
                content = np.frombuffer(content, np.float32).byteswap().tobytes()
            new.writestr(name, content)
    for library in (torch, torchlike):
        found = library.load(io.BytesIO(made.getvalue()))
        assert found["w"].tolist() == [1.0, 2.0]
        assert found["z"].tolist() == [1 + 2j]


def test_same_bytes_as_two_types_refused() -> None:
    for library in (torch, torchlike):
        x = library.ones(4)
        with pytest.raises(RuntimeError, match="^Cannot save multiple tensors or storages"):
            library.save([x, x.view(library.int32)], io.BytesIO())


def test_bad_targets() -> None:
    for library in (torch, torchlike):
        with pytest.raises(AttributeError, match="^expected 'f' to be string, path, or a"):
            library.save(1, 3)
        with pytest.raises(RuntimeError, match="^Parent directory /no/such/folder does not"):
            library.save(1, "/no/such/folder/x.pt")
        with pytest.raises(FileNotFoundError):
            library.load("/no/such/folder/x.pt")
        with pytest.raises(ValueError, match="^f must be a file path in order to use the mmap"):
            passed(1, torch, library, load={"mmap": True})


def test_plain_pickle_of_a_tensor() -> None:
    x = torchlike.arange(6).reshape(2, 3).t()
    assert pickle.loads(pickle.dumps(x)).tolist() == x.tolist()


@pytest.mark.filterwarnings("ignore:TypedStorage is deprecated")  # as PyTorch warns, too
def test_storages() -> None:
    x = torchlike.arange(4.0)
    assert x.untyped_storage().nbytes() == torch.arange(4.0).untyped_storage().nbytes()
    assert x[1:].untyped_storage().data_ptr() == x.untyped_storage().data_ptr()
    assert x[1:].data_ptr() == x.data_ptr() + 4
    assert x.storage().tolist() == [0.0, 1.0, 2.0, 3.0]
