"""How close is close, and how a tensor crosses between PyTorch (the oracle) and torchlike."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

import torchlike

# (rtol, atol) by dtype; what is not listed is compared exactly. float32 is looser than
# torch.testing.assert_close because two libraries sum and approximate in different orders.
TOLERANCES = {
    "float64": (1e-7, 1e-7),
    "complex128": (1e-7, 1e-7),
    "float32": (1e-4, 2e-5),
    "complex64": (1e-4, 2e-5),
    "float16": (2e-3, 1e-3),
    "bfloat16": (1.6e-2, 1e-2),
}
GRADIENT_FACTOR = 5.0
LOOSEST = 1e-2  # no row that a test asks for may exceed it (bfloat16's own row apart)
_NUMPY_LACKS = ("bfloat16", "float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz")


@dataclasses.dataclass(frozen=True)
class Tolerance:
    """The table, widened by what a test asks for.

    ``overrides``: {dtype name: (rtol, atol)}, maximised with the table and capped at ``LOOSEST``;
    ``factor`` multiplies both; ``scaled``: atol grows with the largest magnitude (1000-fold at most),
    for sums and linear algebra, whose absolute error grows with the data.
    """

    overrides: tuple[tuple[str, float, float], ...] = ()
    factor: float = 1.0
    scaled: bool = False

    def of(self, dtype: str) -> tuple[float, float]:
        rtol, atol = TOLERANCES.get(dtype, (0.0, 0.0))
        for name, r, a in self.overrides:
            if name == dtype:
                rtol, atol = max(rtol, min(r, LOOSEST)), max(atol, min(a, LOOSEST))
        return rtol * self.factor, atol * self.factor

    def times(self, factor: float) -> Tolerance:
        return dataclasses.replace(self, factor=self.factor * factor)


PLAIN = Tolerance()
GRADIENT = Tolerance(factor=GRADIENT_FACTOR)


def dtype_name(dtype: Any) -> str:
    """``float32`` for either library's."""
    return str(dtype).removeprefix("torch.")


# --- conversion --------------------------------------------------------------------------------


def is_tensor(x: Any) -> bool:
    return isinstance(x, (torch.Tensor, torchlike.Tensor))


def is_named_tuple(x: Any) -> bool:
    """A ``collections.namedtuple``, or one of PyTorch's ``return_types``."""
    return isinstance(x, tuple) and (hasattr(x, "_fields") or hasattr(x, "n_fields"))


def fields_of(x: Any) -> tuple[str, ...]:
    """A named tuple's names; () for what is none."""
    if hasattr(x, "_fields"):
        return tuple(x._fields)
    if hasattr(x, "n_fields"):
        shown = re.findall(r"^(\w+)=", repr(x), re.MULTILINE)
        return tuple(shown)
    return ()


def tree_map(fn: Callable[[Any], Any], tree: Any) -> Any:
    """``fn`` of the leaves of nested lists, tuples, dicts and slices."""
    if isinstance(tree, (torch.Size, torchlike.Size)):
        return fn(tree)
    if isinstance(tree, list):
        return [tree_map(fn, x) for x in tree]
    if isinstance(tree, tuple):
        return tuple([tree_map(fn, x) for x in tree])
    if isinstance(tree, dict):
        return {k: tree_map(fn, x) for k, x in tree.items()}
    if isinstance(tree, slice):
        return slice(*[tree_map(fn, x) for x in (tree.start, tree.stop, tree.step)])
    return fn(tree)


def leaves(tree: Any) -> list[Any]:
    """The leaves of a nested structure, in a fixed order."""
    found: list[Any] = []
    tree_map(found.append, tree)
    return found


def tensors_of(tree: Any) -> list[Any]:
    return [x for x in leaves(tree) if is_tensor(x)]


def numpy_of(t: Any) -> np.ndarray:
    """A tensor's numbers as a copy; dtypes that NumPy lacks as float32."""
    t = t.detach()
    if dtype_name(t.layout) != "strided":
        t = t.to_dense()
    if isinstance(t, torch.Tensor):
        t = torch.zeros_like(t) if t._is_zerotensor() else t.resolve_conj().resolve_neg()
    if dtype_name(t.dtype) in _NUMPY_LACKS:
        t = t.float()
    elif dtype_name(t.dtype) == "complex32":
        t = t.to(torch.complex64)
    return np.array(t.cpu().numpy(), copy=True, order="C")


def _own_function(x: Any) -> Any:
    """torchlike's counterpart of a function, or of a module whose attributes are plain."""
    if not isinstance(x, torch.nn.Module):
        return getattr(torchlike.nn.functional, x.__name__)
    made = getattr(torchlike.nn, type(x).__name__)()
    for name, value in vars(x).items():
        if isinstance(value, (bool, int, float, str)):
            setattr(made, name, value)
    return made


class NoSuchTensor(Exception):
    """A tensor that torchlike does not have: quantized, complex32, of more dims than NumPy's."""


MOST_DIMS = 64


def own_tensor(t: torch.Tensor, keep_storage: bool = False) -> Any:
    """PyTorch's tensor as torchlike's: same numbers, dtype and ``requires_grad``; a new leaf.

    Raises:
        NoSuchTensor: torchlike has no such tensors.
    """
    dtype = getattr(torchlike, dtype_name(t.dtype), None)
    if dtype is None or t.dtype is torch.complex32 or t.is_quantized or t.ndim > MOST_DIMS:
        raise NoSuchTensor(f"{t.layout} tensor of {t.dtype}")
    if t.layout is not torch.strided:
        return own_sparse_tensor(t)
    if t.device.type == "meta":
        return torchlike.empty(tuple(t.shape), dtype=dtype, device="meta")
    if keep_storage:
        base = t.detach().as_strided((t.untyped_storage().nbytes() // t.element_size(),), (1,), 0)
        found = torchlike.tensor(numpy_of(base)).to(dtype)
        found = found.as_strided(tuple(t.size()), tuple(t.stride()), t.storage_offset())
    else:
        found = torchlike.tensor(numpy_of(t)).to(dtype)
    if isinstance(t, torch.nn.Parameter):
        return torchlike.nn.Parameter(found, requires_grad=t.requires_grad)
    return found.requires_grad_() if t.requires_grad else found


def parts_of(t: Any) -> list[Any]:
    """The index tensors and the values of a sparse tensor of either library."""
    name = dtype_name(t.layout)
    t = t.detach()
    if name == "sparse_coo":
        return [t._indices(), t._values()]
    if name in ("sparse_csr", "sparse_bsr"):
        return [t.crow_indices(), t.col_indices(), t.values()]
    return [t.ccol_indices(), t.row_indices(), t.values()]


def own_sparse_tensor(t: torch.Tensor) -> Any:
    """PyTorch's sparse tensor as torchlike's: the same indices and values, in the same order."""
    parts = [own_tensor(p) for p in parts_of(t)]
    if t.layout is torch.sparse_coo:
        made = torchlike.sparse_coo_tensor(*parts, tuple(t.shape))._coalesced_(t.is_coalesced())
    else:
        layout = getattr(torchlike, dtype_name(t.layout))
        made = torchlike.sparse_compressed_tensor(*parts, tuple(t.shape), layout=layout)
    return made.requires_grad_() if t.requires_grad else made


def to_own(tree: Any, keep_storage: bool = False) -> Any:
    """Arguments for PyTorch as arguments for torchlike; a tensor met twice stays one tensor."""
    memo: dict[int, Any] = {}

    def leaf(x: Any) -> Any:
        if isinstance(x, torch.Tensor):
            if id(x) not in memo:
                memo[id(x)] = own_tensor(x, keep_storage)
            return memo[id(x)]
        if isinstance(x, (torch.dtype, torch.layout, torch.memory_format)):
            return getattr(torchlike, dtype_name(x))
        if isinstance(x, torch.device):
            return torchlike.device(str(x))
        if isinstance(x, torch.Size):
            return torchlike.Size(x)
        if isinstance(x, torch.nn.Module) or getattr(x, "__module__", "") == "torch.nn.functional":
            return _own_function(x)
        if isinstance(x, torch.Generator):
            return torchlike.Generator().manual_seed(x.initial_seed())
        return x

    return tree_map(leaf, tree)


def real_tensor(t: Any) -> torch.Tensor:
    """torchlike's tensor as PyTorch's, without history."""
    if dtype_name(t.layout) != "strided":
        return real_sparse_tensor(t)
    return torch.from_numpy(numpy_of(t)).to(getattr(torch, dtype_name(t.dtype)))


def real_sparse_tensor(t: Any) -> torch.Tensor:
    """torchlike's sparse tensor as PyTorch's: the same indices and values, in the same order."""
    parts = [real_tensor(p) for p in parts_of(t)]
    if dtype_name(t.layout) == "sparse_coo":
        made = torch.sparse_coo_tensor(*parts, tuple(t.shape))
        return made._coalesced_(t.is_coalesced())
    layout = getattr(torch, dtype_name(t.layout))
    return torch.sparse_compressed_tensor(*parts, tuple(t.shape), layout=layout)


# --- comparison --------------------------------------------------------------------------------


def assert_same(
    expected: Any,
    found: Any,
    tolerance: Tolerance = PLAIN,
    *,
    where: str = "result",
    values: bool = True,
) -> None:
    """Structure, Python types, field names, dtypes, shapes and (unless not ``values``) numbers."""
    if is_tensor(expected):
        assert isinstance(found, torchlike.Tensor), f"{where}: expected a tensor, got {found!r}"
        _assert_same_tensor(expected, found, tolerance, where, values)
    elif isinstance(expected, (torch.Size, torchlike.Size)):
        assert isinstance(found, torchlike.Size), f"{where}: expected a Size, got {found!r}"
        assert tuple(expected) == tuple(found), f"{where}: expected {expected}, got {found}"
    elif isinstance(expected, (list, tuple)):
        _assert_same_sequence(expected, found, tolerance, where, values)
    elif isinstance(expected, dict):
        assert isinstance(found, dict), f"{where}: expected a dict, got {type(found).__name__}"
        assert list(expected) == list(found), (
            f"{where}: keys {list(expected)} against {list(found)}"
        )
        for k in expected:
            assert_same(expected[k], found[k], tolerance, where=f"{where}[{k!r}]", values=values)
    elif isinstance(expected, np.ndarray):
        assert isinstance(found, np.ndarray), f"{where}: expected an array, got {found!r}"
        assert expected.dtype == found.dtype, (
            f"{where}: dtype {expected.dtype} against {found.dtype}"
        )
        _assert_close(expected, found, tolerance.of(expected.dtype.name), tolerance.scaled, where)
    else:
        _assert_same_leaf(expected, found, tolerance, where, values)


def _assert_same_sequence(
    expected: Any, found: Any, tolerance: Tolerance, where: str, values: bool
) -> None:
    kind = list if isinstance(expected, list) else tuple
    assert isinstance(found, kind), (
        f"{where}: expected a {kind.__name__}, got {type(found).__name__}"
    )
    assert fields_of(expected) == fields_of(found), (
        f"{where}: fields {fields_of(expected)} against {fields_of(found)}"
    )
    assert len(expected) == len(found), f"{where}: {len(expected)} items against {len(found)}"
    for i, (e, f) in enumerate(zip(expected, found, strict=True)):
        assert_same(e, f, tolerance, where=f"{where}[{i}]", values=values)


def _assert_same_leaf(
    expected: Any, found: Any, tolerance: Tolerance, where: str, values: bool
) -> None:
    if isinstance(expected, (torch.dtype, torch.device, torch.layout, torch.memory_format)):
        assert str(expected) == str(found), f"{where}: expected {expected}, got {found}"
        return
    assert type(expected) is type(found), f"{where}: expected {expected!r}, got {found!r}"
    if not values:
        return
    if isinstance(expected, (float, complex)):
        _assert_close(
            np.asarray(expected), np.asarray(found), tolerance.of("float32"), False, where
        )
    else:
        assert expected == found, f"{where}: expected {expected!r}, got {found!r}"


def _assert_same_tensor(
    expected: Any, found: Any, tolerance: Tolerance, where: str, values: bool
) -> None:
    name = dtype_name(expected.dtype)
    assert name == dtype_name(found.dtype), (
        f"{where}: dtype {name} against {dtype_name(found.dtype)}"
    )
    assert tuple(expected.shape) == tuple(found.shape), (
        f"{where}: shape {tuple(expected.shape)} against {tuple(found.shape)}"
    )
    if values:
        if expected.device.type == "meta":
            return
        limits = tolerance.of(name)
        layout = dtype_name(expected.layout)
        assert layout == dtype_name(found.layout), f"{where}: {layout} against {found.layout}"
        if layout != "strided":
            _assert_same_pattern(expected, found, where)
        _assert_close(numpy_of(expected), numpy_of(found), limits, tolerance.scaled, where)


def _assert_same_pattern(expected: Any, found: Any, where: str) -> None:
    """As many elements in the same places; of COO in the same order."""
    assert expected._nnz() == found._nnz(), f"{where}: nnz {expected._nnz()} against {found._nnz()}"
    assert (expected.sparse_dim(), expected.dense_dim()) == (found.sparse_dim(), found.dense_dim())
    if dtype_name(expected.layout) == "sparse_coo":
        same = expected.is_coalesced() == found.is_coalesced()
        assert same, f"{where}: expected is_coalesced() to be {expected.is_coalesced()}"
        theirs, ours = numpy_of(parts_of(expected)[0]), numpy_of(parts_of(found)[0])
        assert (theirs == ours).all(), f"{where}: indices {theirs.tolist()} against {ours.tolist()}"


def _assert_close(
    expected: np.ndarray, found: np.ndarray, limits: tuple[float, float], scaled: bool, where: str
) -> None:
    gap = largest_gap(expected, found, limits, scaled)
    assert gap is None, f"{where}: {gap}"


def largest_gap(
    expected: np.ndarray, found: np.ndarray, limits: tuple[float, float], scaled: bool = False
) -> str | None:
    """The worst place where two arrays of one shape differ by more than allowed, in words."""
    rtol, atol = limits
    if not np.issubdtype(expected.dtype, np.inexact):
        wrong = expected != found
    else:
        with np.errstate(all="ignore"):
            if scaled:
                finite = np.abs(expected[np.isfinite(expected)])
                atol *= float(min(max(finite.max(initial=0.0), 1.0), 1000.0))
            close = np.abs(expected - found) <= atol + rtol * np.abs(expected)
            same = (expected == found) | (np.isnan(expected) & np.isnan(found))
            wrong = ~(close & np.isfinite(expected) & np.isfinite(found) | same)
    if not wrong.any():
        return None
    count = int(wrong.sum())
    with np.errstate(all="ignore"):
        size = np.where(
            wrong, np.abs(expected.astype(np.complex128) - found.astype(np.complex128)), 0
        )
    at = np.unravel_index(int(np.nanargmax(size)) if np.isfinite(size).any() else 0, size.shape)
    if not wrong[at]:
        at = tuple(np.argwhere(wrong)[0])
    place = f" at {tuple(int(i) for i in at)}" if at else ""
    return f"{count} of {wrong.size} differ{place}: expected {expected[at]!r}, got {found[at]!r}"


# --- outcomes ----------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Raised:
    """What an exception says: its type and first line."""

    kind: type[BaseException]
    line: str

    def __str__(self) -> str:
        return f"{self.kind.__name__}: {self.line}"


def raised(error: BaseException) -> Raised:
    lines = str(error).strip().splitlines()
    return Raised(type(error), lines[0] if lines else "")


def outcome(fn: Callable[..., Any], *args: Any) -> Any:
    """What a call returns, or how it fails."""
    try:
        return fn(*args)
    except Exception as error:  # whatever it is, the two libraries must agree on it
        return raised(error)


def same_kind(expected: type[BaseException], found: type[BaseException]) -> bool:
    """Equal, a subclass, or the class of the same name in the other library."""
    return issubclass(found, expected) or expected.__name__ == found.__name__


def assert_same_error(expected: Raised, found: Any, where: str = "") -> None:
    """The exception's type and first line."""
    assert isinstance(found, Raised), f"{where}: expected {expected}, got {found!r}"
    assert same_kind(expected.kind, found.kind), f"{where}: expected {expected}, got {found}"
    assert tidy(expected.line) == tidy(found.line), f"{where}: expected {expected}, got {found}"


def tidy(line: str) -> str:
    """A message without what may differ: addresses, and the library's own name."""
    line = re.sub(r"0x[0-9a-f]+", "0x…", line)
    return line.replace("torchlike.", "torch.")


def assert_alike(fn: Callable[..., Any], tolerance: Tolerance = PLAIN) -> Any:
    """``fn(library)`` gives the same, or fails the same, with PyTorch and with torchlike."""
    expected, found = outcome(fn, torch), outcome(fn, torchlike)
    if isinstance(expected, Raised):
        assert_same_error(expected, found, getattr(fn, "__name__", ""))
        return expected
    assert not isinstance(found, Raised), f"expected {expected!r}, got {found}"
    assert_same(expected, found, tolerance)
    return found


class Cases(list):
    """Functions of a library; ``@cases`` adds one. A test runs each through ``assert_alike``."""

    def __call__(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        assert all(f.__name__ != fn.__name__ for f in self), f"{fn.__name__} is there already"
        self.append(fn)
        return fn


def name_of(fn: Any) -> str:
    """A parametrised function's id."""
    return fn.__name__


def error_of(fn: Callable[..., Any], *args: Any, **kwargs: Any) -> tuple[str, str] | str:
    """The type's name and first line of the error that a call ends with."""
    try:
        fn(*args, **kwargs)
    except Exception as error:
        found = raised(error)
        return found.kind.__name__, tidy(found.line)
    return "no error"
