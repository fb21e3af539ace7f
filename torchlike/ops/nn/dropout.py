"""Dropout: the mask is drawn on the host from PyTorch's stream, and applied as an operand."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from ...core.dtypes import TYPE_NAMES, dtype
from ...core.errors import not_implemented_for
from ...core.registry import Array, op
from .precision import wide

_ALPHA = 1.7580993408473766


def _check_p(args: dict[str, Any]) -> None:
    p = args["p"]
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


def is_idle(args: dict[str, Any]) -> bool:
    training = args.get("training", args.get("train"))
    return args["p"] == 0 or not training or math.prod(args["input"].shape) == 0


def _input_if_idle(invoke: Any, args: dict[str, Any]) -> Any:
    """The input itself where nothing is dropped; a wrong ``p`` is refused later."""
    return args["input"] if 0.0 <= args["p"] <= 1.0 and is_idle(args) else NotImplemented


def _idle_after(rank: Callable[[dict[str, Any]], None], unbatched: int | None = None) -> Any:
    """The same of channels: the rank is looked at first; without a batch dim it is a view."""

    def composed(invoke: Any, args: dict[str, Any]) -> Any:
        if _input_if_idle(invoke, args) is NotImplemented:
            return NotImplemented
        rank(args)
        x = args["input"]
        if x.ndim != unbatched:
            return x
        if args["inplace"]:
            return x.unsqueeze_(0).squeeze_(0)
        return invoke("squeeze", invoke("unsqueeze", x, 0), 0)

    return composed


def _check_type(of: dtype, p: float) -> None:
    if of.is_complex:
        raise not_implemented_for("bernoulli_scalar_cpu_", TYPE_NAMES[of.name])
    if not of.is_floating_point and p < 1:
        raise RuntimeError(
            f"result type Float can't be cast to the desired output type {TYPE_NAMES[of.name]}"
        )


def _drawn(args: dict[str, Any], shape: tuple[int, ...]) -> dict[str, Any]:
    if is_idle(args):
        return {}
    _check_type(args["input"].dtype, args["p"])
    if args["p"] == 1:
        return {"_keep": np.zeros(shape, bool)}
    return {"_keep": np.asarray(args["generator"].bernoulli(1 - args["p"], shape))}


def drawn_elements(args: dict[str, Any]) -> dict[str, Any]:
    return _drawn(args, tuple(args["input"].shape))


def _features(batched: int | None) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Draws one number per sample and channel; ``batched`` is the rank that has a batch dim."""

    def draw(args: dict[str, Any]) -> dict[str, Any]:
        shape = tuple(args["input"].shape)
        if batched is not None and len(shape) != batched:
            return _drawn(args, (shape[0], *(1,) * (len(shape) - 1)))
        if len(shape) < 2:
            if is_idle(args):
                return {}
            raise RuntimeError("Feature dropout requires at least 2 dimensions in the input")
        return _drawn(args, (*shape[:2], *(1,) * (len(shape) - 2)))

    return draw


def _dropped(input: Array, p: float, keep: Array | None) -> Array:
    if keep is None:
        return input
    if p == 1:
        return input * jnp.zeros((), input.dtype)
    # PyTorch divides the mask, in the input's type, and then multiplies
    scale = (jnp.ones((), jnp.float32) / np.float32(1 - p)).astype(input.dtype)
    if input.dtype == jnp.float64:
        scale = jnp.asarray(1 / (1 - p), input.dtype)
    return input * jnp.where(keep, scale, jnp.zeros((), input.dtype))


def _name(args: dict[str, Any]) -> str:
    return "MulBackward0"


@op(
    namespaces=("functional",), method=False, inplace=True, check=_check_p, prepare=drawn_elements,
    grad_name=_name, saves="none", composed=_input_if_idle,
)  # fmt: skip
def dropout(
    input: Array,
    p: float = 0.5,
    training: bool = True,
    inplace: bool = False,
    *,
    _keep: Array | None = None,
) -> Array:
    """Zeros each element with probability p, the others times ``1 / (1 - p)``.  ``(*) -> (*)``"""
    return _dropped(input, p, _keep)


@op(
    name="dropout", namespaces=("torch",), method=False, inplace=True, check=_check_p,
    prepare=drawn_elements, grad_name=_name, saves="none", composed=_input_if_idle,
)  # fmt: skip
def torch_dropout(input: Array, p: float, train: bool, *, _keep: Array | None = None) -> Array:
    """``functional.dropout`` with every argument given.  ``(*) -> (*)``"""
    return _dropped(input, p, _keep)


@op(
    namespaces=("torch",), method=False, inplace=True, check=_check_p, prepare=_features(None),
    grad_name=_name, saves="none", composed=_input_if_idle,
)  # fmt: skip
def feature_dropout(input: Array, p: float, train: bool, *, _keep: Array | None = None) -> Array:
    """Zeros whole channels with probability p.  ``(N, C, *) -> (N, C, *)``"""
    return _dropped(input, p, _keep)


def _check_1d(args: dict[str, Any]) -> None:
    ndim = args["input"].ndim
    if ndim not in (2, 3):
        raise RuntimeError(
            f"dropout1d: Expected 2D or 3D input, but received a {ndim}D input. Note that dropout1d exists "
            "to provide channel-wise dropout on inputs with 1 spatial dimension, a channel dimension, and "
            "an optional batch dimension (i.e. 2D or 3D inputs)."
        )


def _rank_1d(args: dict[str, Any]) -> dict[str, Any]:
    _check_1d(args)
    return _features(3)(args)


def _warn_rank(name: str, ndim: int, more: str) -> None:
    warnings.warn(
        f"{name}: Received a {ndim}-D input to {name}, which is deprecated and will result in an error in a "
        "future release. To retain the behavior and silence this warning, please use dropout instead. Note "
        f"that {name} exists to provide channel-wise dropout on inputs with {more} spatial dimensions, a "
        f"channel dimension, and an optional batch dimension (i.e. {int(more) + 1}D or {int(more) + 2}D "
        "inputs).",
        UserWarning, stacklevel=7,
    )  # fmt: skip


def _check_2d(args: dict[str, Any]) -> None:
    ndim = args["input"].ndim
    if ndim not in (3, 4):
        _warn_rank("dropout2d", ndim, "2")
    if ndim == 3:
        warnings.warn(
            "dropout2d: Received a 3D input to dropout2d and assuming that channel-wise 1D dropout "
            "behavior is desired - input is interpreted as shape (N, C, L), where C is the channel dim. "
            "This behavior will change in a future release to interpret the input as one without a batch "
            "dimension, i.e. shape (C, H, W). To maintain the 1D channel-wise dropout behavior, please "
            "switch to using dropout1d instead.",
            UserWarning, stacklevel=6,
        )  # fmt: skip


def _rank_2d(args: dict[str, Any]) -> dict[str, Any]:
    _check_2d(args)
    return _features(None)(args)


def _check_3d(args: dict[str, Any]) -> None:
    ndim = args["input"].ndim
    if ndim not in (4, 5):
        _warn_rank("dropout3d", ndim, "3")


def _rank_3d(args: dict[str, Any]) -> dict[str, Any]:
    _check_3d(args)
    return _features(5)(args)


@op(
    namespaces=("functional",), method=False, check=_check_p, prepare=_rank_1d,
    grad_name=_name, saves="none", composed=_idle_after(_check_1d, 2),
)  # fmt: skip
def dropout1d(
    input: Array, p: float = 0.5, training: bool = True, inplace: bool = False,
    *, _keep: Array | None = None,
) -> Array:  # fmt: skip
    """Zeros whole channels with probability p.  ``(N, C, L) -> (N, C, L)``; N may be absent"""
    return _dropped(input, p, _keep)


@op(
    namespaces=("functional",), method=False, check=_check_p, prepare=_rank_2d,
    grad_name=_name, saves="none", composed=_idle_after(_check_2d),
)  # fmt: skip
def dropout2d(
    input: Array, p: float = 0.5, training: bool = True, inplace: bool = False,
    *, _keep: Array | None = None,
) -> Array:  # fmt: skip
    """Zeros whole channels with probability p.  ``(N, C, H, W) -> (N, C, H, W)``"""
    return _dropped(input, p, _keep)


@op(
    namespaces=("functional",), method=False, check=_check_p, prepare=_rank_3d,
    grad_name=_name, saves="none", composed=_idle_after(_check_3d, 4),
)  # fmt: skip
def dropout3d(
    input: Array, p: float = 0.5, training: bool = True, inplace: bool = False,
    *, _keep: Array | None = None,
) -> Array:  # fmt: skip
    """Zeros whole channels with probability p.  ``(N, C, D, H, W) -> (N, C, D, H, W)``; N may be absent"""
    return _dropped(input, p, _keep)


def _alpha_dropped(input: Array, p: float, keep: Array | None) -> Array:
    """Dropped elements become SELU's lower limit; mean and variance are restored."""
    if keep is None:
        return input
    if p == 1:
        return input * jnp.zeros((), input.dtype)
    x = wide(input)
    scale = 1 / math.sqrt((_ALPHA * _ALPHA * p + 1) * (1 - p))
    shift = jnp.where(keep, 0.0, -_ALPHA * scale) + _ALPHA * scale * p
    kept = jnp.where(keep, scale, 0.0).astype(x.dtype)
    return (x * kept + shift.astype(x.dtype)).astype(input.dtype)


@op(
    namespaces=("torch", "functional"), method=False, inplace=True, check=_check_p, prepare=drawn_elements,
    grad_name="Add", saves="none", composed=_input_if_idle,
)  # fmt: skip
def alpha_dropout(
    input: Array, p: float = 0.5, training: bool = False, inplace: bool = False,
    *, _keep: Array | None = None,
) -> Array:  # fmt: skip
    """Dropout that keeps SELU's mean 0 and variance 1.  ``(*) -> (*)``"""
    return _alpha_dropped(input, p, _keep)


@op(
    namespaces=("torch", "functional"), method=False, inplace=True, check=_check_p,
    prepare=_features(None), grad_name="Add", saves="none", composed=_input_if_idle,
)  # fmt: skip
def feature_alpha_dropout(
    input: Array, p: float = 0.5, training: bool = False, inplace: bool = False,
    *, _keep: Array | None = None,
) -> Array:  # fmt: skip
    """``alpha_dropout`` of whole channels.  ``(N, C, *) -> (N, C, *)``"""
    return _alpha_dropped(input, p, _keep)
