"""What PyTorch's functions make of a MaskedTensor, by name: ``TABLE`` and ``PLAIN``."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ..api import torch as T
from ..core.dtypes import bool_
from ..core.tensor import Tensor
from . import reductions
from .maskedtensor import is_masked_tensor, masked, plainly

_UNARY = """abs absolute acos arccos acosh arccosh angle asin arcsin asinh arcsinh atan arctan atanh arctanh
bitwise_not ceil clamp clip conj_physical cos cosh deg2rad digamma erf erfc erfinv exp exp2 expm1 fix floor
frac lgamma log log10 log1p log2 logit i0 isnan isfinite isreal nan_to_num neg negative positive pow rad2deg
reciprocal round rsqrt sigmoid sign sgn signbit sin sinc sinh sqrt square tan tanh trunc float_power
__invert__ __pow__""".split()
_BINARY = """add atan2 arctan2 bitwise_and bitwise_or bitwise_xor bitwise_left_shift bitwise_right_shift div
divide floor_divide fmod logaddexp logaddexp2 mul multiply nextafter remainder sub subtract true_divide eq ne
le ge greater greater_equal gt less_equal lt less maximum minimum fmax fmin not_equal __eq__ __ne__ __and__
__or__ __xor__ __rdiv__ __floordiv__ __rfloordiv__ __rmod__ __lshift__ __rshift__ isclose""".split()
_NOT_IN_PLACE = {"angle", "positive", "signbit", "isnan", "logaddexp", "logaddexp2", "fmin", "minimum",
                 "maximum", "fmax", "isfinite", "isreal", "float_power", "isclose"}  # fmt: skip
_REDUCE = "sum mean amin amax argmin argmax prod all norm var std".split()
# Applied to data and mask alike
_BOTH = """select transpose swapaxes swapdims adjoint split hsplit vsplit tensor_split t __getitem__ getitem index
expand expand_as view view_as reshape reshape_as flatten ravel cat concat concatenate hstack vstack dstack
unsqueeze unfold stack chunk narrow conj resolve_conj resolve_neg""".split()
# Applied to the data, which keeps its mask
_CASTS = """clone detach detach_ to float double half int long short char bool cpu type_as
requires_grad_ to_dense module_load""".split()
PLAIN = frozenset(
    """size dim ndimension numel nelement stride storage_offset element_size is_floating_point is_complex is_signed
    is_inference is_contiguous get_device data_ptr const_data_ptr dim_order is_same_size is_shared is_conj is_neg
    is_distributed storage untyped_storage storage_type type register_hook retain_grad backward
    __len__ __repr__ __deepcopy__ __reduce_ex__ __array_wrap__ __format__""".split()
)


def _data(x: Any) -> Any:
    """The argument with plain tensors in the place of masked ones."""
    if is_masked_tensor(x):
        return x.get_data()
    return type(x)(map(_data, x)) if type(x) in (list, tuple) else x


def _mask(x: Any) -> Any:
    if is_masked_tensor(x):
        return x.get_mask()
    return type(x)(map(_mask, x)) if type(x) in (list, tuple) else x


def _call(func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    with plainly():
        return func(*args, **kwargs)


def _both(data: Any, mask: Any) -> Any:
    if isinstance(data, (list, tuple)):
        return type(data)(_both(d, m) for d, m in zip(data, mask, strict=True))
    return masked(data, mask)


def _unary(func: Callable[..., Any], self: Any, *args: Any, **kwargs: Any) -> Any:
    if kwargs and not kwargs.keys() <= {"min", "max", "exponent"}:
        raise ValueError(
            "MaskedTensor unary ops require that len(kwargs) == 0. If you need support for this, please "
            "open an issue on Github."
        )
    if any(isinstance(a, Tensor) for a in (*args, *kwargs.values())):
        raise TypeError("MaskedTensor unary ops do not support additional Tensor arguments")
    return masked(_call(func, _data(self), *args, **kwargs), self.get_mask())


def _match(a: Tensor, b: Tensor) -> bool:
    return a.ndim == b.ndim and bool((a == b).all())  # type: ignore[attr-defined]


def _checked_masks(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor:
    """The mask that two operands share.

    Raises:
        ValueError, TypeError: they have different ones, or there are other arguments.
    """
    if kwargs:
        raise ValueError("len(kwargs) must equal 0")
    if any(isinstance(a, Tensor) for a in args[2:]):
        raise TypeError(
            "MaskedTensor binary ops do not support Tensor arguments aside from the lhs and rhs"
        )
    masks = [a.get_mask() for a in args[:2] if is_masked_tensor(a)]
    if len(masks) == 2 and not _match(*masks):
        raise ValueError(
            "Input masks must match. If you need support for this, please open an issue on Github."
        )
    return masks[0]


def _binary(func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    mask = _checked_masks(args, kwargs)
    found = _call(func, *map(_data, args))
    return masked(found, mask.expand_as(found))  # type: ignore[attr-defined]


def _inplace(func: Callable[..., Any], self: Any, *args: Any, **kwargs: Any) -> Any:
    """The function's in-place form: the elements change, the mask stays."""
    _checked_masks((self, *args), kwargs)
    _call(func, self, *map(_data, args))
    return self


def _pass_through(func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    data = _call(func, *map(_data, args), **{k: _data(v) for k, v in kwargs.items()})
    mask = _call(func, *map(_mask, args), **{k: _mask(v) for k, v in kwargs.items()})
    return _both(data, mask)


def _keep_mask(func: Callable[..., Any], self: Any, *args: Any, **kwargs: Any) -> Any:
    found = _call(func, self, *map(_data, args), **kwargs)
    if found is self:
        return self
    return masked(found, self.get_mask())


def _any(mask: Tensor, dim: Any, keepdim: bool) -> Tensor:
    for d in sorted([dim] if isinstance(dim, int) else dim, reverse=True):
        mask = T.any(mask, dim=d, keepdim=keepdim)
    return mask


def _reduce(name: str, func: Callable[..., Any], self: Any, *args: Any, **kwargs: Any) -> Any:
    """A reduction of what the mask lets in; masked out where that is nothing."""
    data, mask = self.get_data(), self.get_mask()
    if name == "all":
        data = data.masked_fill(~mask, True)
    if not args and not kwargs:
        found = data.all() if name == "all" else getattr(reductions, name)(data, mask=mask)
        return masked(found, T.any(mask))
    return _reduce_dim(name, data, mask, *args, **kwargs)


def _reduce_dim(
    name: str, data: Any, mask: Any, dim: Any, keepdim: bool = False, dtype: Any = None
) -> Any:
    if name == "all":
        found = T.all(data, dim=dim, keepdim=keepdim)
    else:
        reduction = getattr(reductions, name)
        found = reduction(data, dim=dim, keepdim=keepdim, dtype=dtype, mask=mask)
    return masked(found, _any(mask, dim, keepdim))


def _where(func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """``where`` of the data and of the masks; a plain tensor's mask is True everywhere."""
    if len(args) != 3:
        raise ValueError(f"__torch_function__, torch.where: len(args) must be 3 but got {len(args)}")
    if kwargs:
        raise ValueError(
            f"__torch_function__, torch.where: len(kwargs) must be 0 but got {len(kwargs)}"
        )
    cond, one, two = args
    masks = [
        _mask(x) if is_masked_tensor(x) else T.ones(_data(x).shape, dtype=bool_) for x in (one, two)
    ]
    return masked(T.where(cond, _data(one), _data(two)), T.where(cond, *masks))


def _softmax(func: Callable[..., Any], self: Any, *args: Any, **kwargs: Any) -> Any:
    from .normalizations import softmax

    dim = kwargs.pop("dim", args[0] if args else None)
    kwargs.pop("_stacklevel", None)
    found = softmax(self.get_data(), dim, mask=self.get_mask(), **kwargs)
    return masked(T.where(T.isnan(found), T.zeros_like(found), found), self.get_mask())


def _item(func: Callable[..., Any], self: Any) -> Any:
    found = _call(func, _data(self))
    if not bool(self.get_mask()):
        raise ValueError("__torch_dispatch__, aten._local_scalar_dense: expected a mask tensor")
    return found


def _contiguous(func: Callable[..., Any], self: Any, **kwargs: Any) -> Any:
    return masked(_call(T.clone, _data(self)), self.get_mask())


def _max(func: Callable[..., Any], self: Any, *args: Any, **kwargs: Any) -> Any:
    """``max(self, other)``; the reductions of that name are called ``amax``."""
    if len(args) == 1 and isinstance(args[0], Tensor):
        return _binary(func, self, *args, **kwargs)
    return NotImplemented


def _refuse(text: str) -> Callable[..., Any]:
    def refuse(func: Callable[..., Any], self: Any, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError(text)

    return refuse


def _ones_like(func: Callable[..., Any], self: Any, **kwargs: Any) -> Any:
    return masked(_call(func, _data(self), **kwargs), self.get_mask())


def _copy(func: Callable[..., Any], self: Any, src: Any, non_blocking: bool = False) -> Any:
    if is_masked_tensor(src) and not _match(self.get_mask(), src.get_mask()):
        raise ValueError("args[0] mask and args[1] mask must match but do not")
    _call(func, self, _data(src))
    return self


TABLE: dict[str, Callable[..., Any]] = {
    **dict.fromkeys(_UNARY, _unary),
    **dict.fromkeys(_BINARY, _binary),
    **{f"{n}_": _inplace for n in (*_UNARY, *_BINARY) if n not in _NOT_IN_PLACE},
    **dict.fromkeys(_BOTH, _pass_through),
    **dict.fromkeys(_CASTS, _keep_mask),
    **{name: functools.partial(_reduce, name) for name in _REDUCE},
    "where": _where, "softmax": _softmax, "item": _item, "ones_like": _ones_like, "copy_": _copy,
    "__float__": _item, "__int__": _item, "__bool__": _item, "contiguous": _contiguous, "max": _max, "min": _max,
    "tolist": _refuse(".tolist() is not supported for tensor subclasses, got MaskedTensor"),
    "numpy": _refuse(".numpy() is not supported for tensor subclasses."),
}  # fmt: skip
