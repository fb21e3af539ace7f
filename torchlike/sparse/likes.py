"""Factories with a sparse layout, and those that take a sparse tensor as their example."""

from __future__ import annotations

from typing import Any

from ..core.constants import sparse_coo, strided
from ..core.device import device as Device, placed
from ..core.dispatch import invoke
from ..core.registry import OpDef
from ..core.tensor import Tensor
from .create import empty_coo, factory
from .layouts import layout_name, no_kernel
from .tensor import SparseTensor, like

_EMPTY = ("zeros", "empty")
_FILLED = ("ones_like", "full_like", "randn_like")
_FILLS = {"ones_like": "fill_.Scalar", "full_like": "fill_.Scalar", "new_ones": "fill_.Scalar",
          "new_full": "fill_.Scalar", "rand_like": "uniform_", "randn_like": "normal_",
          "randint_like": "random_.from"}  # fmt: skip


def make(op: OpDef, given: dict[str, Any], extra: dict[str, Any]) -> Tensor:
    """``torch.zeros_like(sparse)``, ``torch.zeros(size, layout=torch.sparse_csr)``, ``sparse.new_zeros(size)`` …

    Raises:
        NotImplementedError, RuntimeError: PyTorch has no such tensor.
    """
    source = given.get("input")
    made = _made(op.fn.__name__, source, given, extra)
    return made.requires_grad_(bool(extra.get("requires_grad", False)))


def _made(name: str, source: Any, given: dict[str, Any], extra: dict[str, Any]) -> Tensor:
    of, on = given.get("dtype"), extra.get("device")
    on = placed(Device(on)) if on is not None else None if source is None else source.device
    to = extra.get("layout")
    if source is None:
        return _of_layout(name, given.get("size", ()), to, of, on)
    of = source.dtype if of is None else of
    to = source.layout if to is None else to
    if name.startswith("new_"):
        if to is sparse_coo and name in _FILLS:
            raise no_kernel(_FILLS[name], source)
        if to is strided:
            size = given.pop("size")
            return invoke(name.removeprefix("new_"), size, *_numbers(given), dtype=of, device=on)
        return _of_layout(name.removeprefix("new_"), given["size"], to, of, on)
    if to is strided:
        if not source.is_sparse:
            raise RuntimeError(
                f"empty_like with different sparse layout is not supported (self is {layout_name(source)} but you "
                "requested Strided)"
            )
        fn = name.removesuffix("_like")
        return invoke(fn, tuple(source.shape), *_numbers(given), dtype=of, device=on)
    plain = name.removesuffix("_like")
    if plain == "empty" and to is source.layout and to is not sparse_coo:
        return like(source, invoke("empty_like", source._numbers, dtype=of, device=on))
    if plain in _EMPTY:
        if to is sparse_coo and isinstance(source, SparseTensor) and source.is_sparse:
            return empty_coo(source.shape, source.sparse_dim(), of, on)
        return factory(plain, source.shape, to, of, on)
    if name not in _FILLED or source.layout is sparse_coo or to is not source.layout:
        raise no_kernel(_FILLS[name], source)
    return like(source, invoke(name, source._numbers, *_numbers(given), dtype=of, device=on))


def _numbers(given: dict[str, Any]) -> list[Any]:
    return [given["fill_value"]] if "fill_value" in given else []


def _of_layout(name: str, size: Any, of: Any, dtype: Any, on: Any) -> Tensor:
    if name in _EMPTY:
        return factory(name, size, of, dtype, on)
    if name in ("ones", "full"):
        raise RuntimeError("full(...) is not implemented for sparse layout")
    text = f"Could not run 'aten::{name}' with layout {of}\nhint: make a dense tensor, then x.to_sparse()"
    raise NotImplementedError(text)
