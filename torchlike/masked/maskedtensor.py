"""``MaskedTensor``: data and a mask that travel together through functions.

The tensor's own elements are the data, so gradients flow as they do through plain tensors.

Differs: dense only; the gradient of a plain tensor that a masked one was made of is a plain tensor.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from ..core import dtypes
from ..core.dispatch import invoke
from ..core.errors import missing
from ..core.overrides import DisableTorchFunctionSubclass as plainly, nowrap_functions
from ..core.tensor import Tensor, alias

_PROTOTYPE = (
    "The PyTorch API of MaskedTensors is in prototype stage and will change in the near future. Please "
    "open a Github issue for features requests and see our documentation on the torch.masked module for "
    "further information about the project."
)
_HAS_HISTORY = (
    "It is not recommended to create a MaskedTensor with a tensor that requires_grad. To avoid this, you "
    "can use data.detach().clone()"
)
_DTYPES = (
    dtypes.float16, dtypes.float32, dtypes.float64, dtypes.bool_, dtypes.int8, dtypes.int16, dtypes.int32,
    dtypes.int64,
)  # fmt: skip


class MaskedTensor(Tensor):
    """Elements of which a mask says whether they are there.

    Raises:
        TypeError, ValueError: data or mask are no tensors, or do not fit together.
    """

    _masked_mask: Tensor

    def __new__(cls, data: Any, mask: Any, requires_grad: bool = False) -> MaskedTensor:
        if is_masked_tensor(data) or not isinstance(data, Tensor):
            raise TypeError("data must be a Tensor")
        if is_masked_tensor(mask) or not isinstance(mask, Tensor):
            raise TypeError("mask must be a Tensor")
        warnings.warn(_PROTOTYPE, UserWarning, stacklevel=2)
        if data.requires_grad:
            warnings.warn(_HAS_HISTORY, UserWarning, stacklevel=2)
        if data.layout is not mask.layout:
            raise TypeError("data and mask must have the same layout.")
        _check(data, mask)
        made = masked(data.detach().clone(), mask.clone())  # type: ignore[attr-defined]
        with plainly():
            return made.requires_grad_(requires_grad)  # type: ignore[return-value]

    def __init__(self, data: Any, mask: Any, requires_grad: bool = False) -> None:
        """Everything is done by ``__new__``."""

    @classmethod
    def __torch_function__(
        cls, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        from .functions import PLAIN, TABLE

        name = getattr(func, "__name__", "")
        handler = TABLE.get(name)
        if handler is not None:
            return handler(func, *args, **(kwargs or {}))
        if not all(issubclass(cls, t) for t in types):
            return NotImplemented
        if name in PLAIN or name in ("__get__", "__set__", "__delete__"):
            return _member(func, args, kwargs or {})
        warnings.warn(
            f"{name} is not implemented in __torch_dispatch__ for MaskedTensor.\n"
            "If you would like this operator to be supported, please file an issue for a feature request "
            "at https://github.com/pytorch/maskedtensor/issues with a minimal reproducible code snippet.\n"
            "In the case that the semantics for the operator are not trivial, it would be appreciated to "
            "also include a proposal for the semantics.",
            stacklevel=2,
        )
        return NotImplemented

    @property
    def _masked_data(self) -> Tensor:
        with plainly():
            return alias(self, Tensor)

    @property
    def grad(self) -> Any:
        """The gradient under this tensor's mask."""
        with plainly():
            found = Tensor.grad.__get__(self)  # type: ignore[attr-defined]
        return None if found is None else masked(found.detach(), self._masked_mask)

    @grad.setter
    def grad(self, value: Any) -> None:
        with plainly():
            Tensor.grad.__set__(self, value)  # type: ignore[attr-defined]

    def get_data(self) -> Tensor:
        """The elements as a plain tensor, whose gradients flow back here."""
        with plainly():
            return invoke("alias", self)

    def get_mask(self) -> Tensor:
        return self._masked_mask

    def to_tensor(self, value: Any) -> Tensor:
        """The elements, with ``value`` in the place of what is masked out."""
        return self.get_data().masked_fill(~self._masked_mask, value)  # type: ignore[attr-defined]

    def _set_data_mask(self, data: Tensor, mask: Tensor) -> None:
        _check(data, mask)
        with plainly():
            self.copy_(data) if data.shape == self.shape else setattr(self, "data", data)  # type: ignore[attr-defined]
        self._masked_mask = mask

    def is_sparse_coo(self) -> bool:
        return False

    def is_sparse_csr(self) -> bool:
        return False

    @property
    def is_sparse(self) -> bool:
        return False

    def to_sparse(self, *args: Any, **kwargs: Any) -> Any:
        raise missing("MaskedTensor.to_sparse", "keep data and mask dense")

    to_sparse_coo = to_sparse_csr = to_sparse

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self, *, tensor_contents: Any = None) -> str:
        data, mask = self._masked_data, self._masked_mask
        if data.ndim == 0:
            text = _element(data.item()) if mask.item() else "--"  # type: ignore[attr-defined]
            return f"MaskedTensor({text}, {mask.item()})"  # type: ignore[attr-defined]
        lines = _text(data.tolist(), mask.tolist(), data.ndim).split("\n")  # type: ignore[attr-defined]
        return "MaskedTensor(\n" + "\n".join("  " + line for line in lines) + "\n)"


def _element(x: Any) -> str:
    return f"{x:8.4f}" if isinstance(x, float) else str(x)


def _text(data: Any, mask: Any, ndim: int) -> str:
    """Rows of numbers, ``--`` for what is masked out."""
    if ndim == 1:
        shown = [_element(x) for x in data]
        width = max(len(s) if there else 8 for s, there in zip(shown, mask, strict=True))
        cells = [s if there else "--".rjust(width) for s, there in zip(shown, mask, strict=True)]
        return f"[{', '.join(cells)}]"
    rows = [_text(d, m, ndim - 1) for d, m in zip(data, mask, strict=True)]
    inner = ["\n".join("  " + line for line in row.split("\n")) for row in rows]
    return "[\n" + ",\n".join(inner) + "\n]"


def _check(data: Tensor, mask: Tensor) -> None:
    """Whether data and mask can make a MaskedTensor."""
    if mask.dtype is not dtypes.bool_:
        raise TypeError("mask must have dtype bool.")
    if data.dtype not in _DTYPES:
        raise TypeError(f"{data.dtype} is not supported in MaskedTensor.")
    if data.ndim != mask.ndim:
        raise ValueError("data.dim() must equal mask.dim()")
    if data.shape != mask.shape:
        raise ValueError("data.size() must equal mask.size()")


def masked(data: Tensor, mask: Tensor) -> MaskedTensor:
    """A MaskedTensor of a new plain tensor, with its history."""
    _check(data, mask)
    made = object.__new__(MaskedTensor)
    made.__dict__.update(data.__dict__)
    alias(data, MaskedTensor)  # announces the class
    made._masked_mask = mask
    return made


def _member(func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A question about the data, or a view property, whose result gets the same view of the mask."""
    with plainly():
        found = func(*args, **kwargs)
        if not isinstance(found, Tensor) or func in nowrap_functions() or is_masked_tensor(found):
            return found
        mask = args[0]._masked_mask
        view = func(mask) if found.shape != mask.shape else mask
    return masked(found, view)


def is_masked_tensor(obj: Any, /) -> bool:
    return isinstance(obj, MaskedTensor)


def masked_tensor(data: Any, mask: Any, requires_grad: bool = False) -> MaskedTensor:
    """A leaf with a copy of data and mask.

    Raises:
        TypeError, ValueError: they are no tensors, or do not fit together.
    """
    return MaskedTensor(data, mask, requires_grad)


def as_masked_tensor(data: Any, mask: Any) -> MaskedTensor:
    """A copy of ``data`` under a mask, whose gradient flows back to ``data``.

    Raises:
        TypeError, ValueError: they are no tensors, or do not fit together.
    """
    if is_masked_tensor(data) or not isinstance(data, Tensor):
        raise TypeError("data must be a Tensor")
    if is_masked_tensor(mask) or not isinstance(mask, Tensor):
        raise TypeError("mask must be a Tensor")
    return masked(data.clone(), mask.clone())  # type: ignore[attr-defined]
