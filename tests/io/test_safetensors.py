"""``safetensors.torch`` files, both ways with PyTorch, and what is refused."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

import torchlike
from torchlike.io import safetensors_torch as ours

from ..compare import assert_same, error_of, real_tensor

DTYPES = (
    "float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool",
    "complex64", "float8_e4m3fn", "float8_e5m2", "uint16", "uint32",
)  # fmt: skip


def examples(library: Any) -> dict[str, Any]:
    values = library.arange(12).reshape(3, 4) % 3
    found = {name: values.to(getattr(library, name)) for name in DTYPES}
    return found | {"scalar": library.tensor(2.5), "empty": library.zeros(0, 3)}


def test_pytorch_reads_what_torchlike_writes(tmp_path: Path):
    ours.save_file(examples(torchlike), tmp_path / "a.safetensors", {"format": "pt"})
    found = safetensors.torch.load_file(tmp_path / "a.safetensors")
    for name, expected in examples(torchlike).items():
        assert str(found[name].dtype) == str(expected.dtype)
        assert torch.equal(
            found[name].to(torch.complex128), real_tensor(expected).to(torch.complex128)
        )
    with safetensors.safe_open(tmp_path / "a.safetensors", "pt") as file:
        assert file.metadata() == {"format": "pt"}


def test_torchlike_reads_what_pytorch_writes(tmp_path: Path):
    safetensors.torch.save_file(examples(torch), tmp_path / "a.safetensors")
    for found in (
        ours.load_file(tmp_path / "a.safetensors"),
        ours.load((tmp_path / "a.safetensors").read_bytes()),
        torchlike.load(tmp_path / "a.safetensors"),
    ):
        assert_same(dict(sorted(examples(torch).items())), dict(sorted(found.items())))


def test_bytes_are_the_package_s():
    tensors = {name: t for name, t in examples(torch).items() if name != "empty"}
    mine = {name: t for name, t in examples(torchlike).items() if name != "empty"}
    assert ours.save(mine, {"a": "b"}) == safetensors.torch.save(tensors, {"a": "b"})


def tied(library: Any) -> Any:
    class Tied(library.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed = library.nn.Embedding(5, 3)
            self.head = library.nn.Linear(3, 5, bias=False)
            self.head.weight = self.embed.weight
            self.rest = library.nn.Linear(3, 3)

    library.manual_seed(0)
    return Tied()


def test_models_with_tied_weights_cross(tmp_path: Path):
    for source, save, target, load in (
        (torch, safetensors.torch.save_model, torchlike, ours.load_model),
        (torchlike, ours.save_model, torch, safetensors.torch.load_model),
    ):
        path = str(tmp_path / f"{source.__name__}.safetensors")
        model, other = tied(source), tied(target)
        save(model, path)
        with target.no_grad():
            other.embed.weight.zero_()
            other.rest.weight.zero_()
        missing, unexpected = load(other, path)
        assert not missing
        assert not unexpected
        for a, b in zip(model.parameters(), other.parameters(), strict=True):
            assert a.tolist() == b.tolist()


@pytest.mark.parametrize(
    "wrong",
    [
        lambda torch: [torch.ones(1)],
        lambda torch: {"a": 3},
        lambda torch: {"a": torch.ones(2, 3).T},
        lambda torch: {"a": torch.eye(2).to_sparse()},
    ],
    ids=["list", "number", "transposed", "sparse"],
)
def test_refuses_in_the_package_s_words(wrong: Any):
    expected = error_of(lambda: safetensors.torch.save(wrong(torch)))
    found = error_of(lambda: ours.save(wrong(torchlike)))
    assert (found[0], found[1].replace("torchlike", "torch")) == expected


def test_refuses_shared_memory():
    t = torchlike.ones(4)
    with pytest.raises(RuntimeError, match="Some tensors share memory"):
        ours.save({"a": t, "b": t[:2]})
    assert ours.save({"a": t[:2], "b": t[2:]})


def test_damaged_files_are_refused(tmp_path: Path):
    good = ours.save(examples(torchlike))
    for bad in (b"", good[:7], good[:60], b"\xff" * 8 + good[8:], good[:-3]):
        kind, _ = error_of(lambda bad=bad: safetensors.torch.load(bad))
        assert error_of(lambda bad=bad: ours.load(bad))[0] == kind


def test_a_failed_write_leaves_the_old_file(tmp_path: Path):
    path = tmp_path / "a.safetensors"
    ours.save_file({"a": torchlike.ones(2)}, path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="invalid"):
        ours.save_file({"a": 3}, path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_unchanged_scripts_import_it(tmp_path: Path):
    program = """
        import torchlike
        torchlike.install()
        import safetensors.torch
        import torch
        from safetensors import safe_open
        from safetensors.torch import load_file, save_file

        save_file({"a": torch.arange(6.0).reshape(2, 3)}, "x.safetensors")
        assert load_file("x.safetensors")["a"].tolist() == [[0, 1, 2], [3, 4, 5]]
        with safe_open("x.safetensors", framework="pt") as file:
            assert file.get_tensor("a").sum().item() == 15
            assert file.get_slice("a")[:, 1:].tolist() == [[1, 2], [4, 5]]
        try:
            from safetensors.torch import nothing
        except ImportError as error:
            print(error)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], cwd=tmp_path, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "cannot import name 'nothing' from 'safetensors.torch'" in done.stdout
