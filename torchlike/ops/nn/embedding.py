"""Rows looked up by index: embedding, bags of them, one-hot."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ...core.dtypes import TYPE_NAMES
from ...core.errors import missing
from ...core.registry import Array, Scalar, op
from .distance import p_norm
from .precision import wide


def _check_indices(index: Any, rows: int, function: str) -> None:
    if index.dtype.name not in ("int64", "int32"):
        raise RuntimeError(
            "Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, "
            f"Int; but got torch.{TYPE_NAMES[index.dtype.name]}Tensor instead (while checking arguments "
            f"for {function})"
        )
    values = index.numpy()
    # seen as unsigned, a negative one is too large
    if values.size and values.view(f"u{values.itemsize}").max() >= rows:
        bad = (values < 0) | (values >= rows)
        if function == "embedding_bag":
            raise RuntimeError(
                f"Index {bad.reshape(-1).argmax()} of input takes value {values[bad].flat[0]} which is not in "
                f"the valid range [0, {rows})"
            )
        raise IndexError("index out of range in self")


def _check_lookup(args: dict[str, Any]) -> None:
    index = args["input"] if "input" in args else args["indices"]
    if args["weight"].ndim != 2:
        raise RuntimeError("'weight' must be 2-D")
    _check_indices(index, args["weight"].shape[0], "embedding")


def _looked_up(weight: Array, index: Array, padding: int | None, by_frequency: bool) -> Array:
    if weight.ndim != 2:
        raise RuntimeError("'weight' must be 2-D")
    # The indices are checked; XLA's CPU gathers twice as fast if it may assume so
    rows = jnp.take(weight, index, axis=0, mode="clip")
    if by_frequency:
        rows = _share(rows, index, weight.shape[0])
    if padding is not None:
        is_padding = (index == padding)[..., None]
        rows = jnp.where(is_padding, jax.lax.stop_gradient(rows), rows)
    return rows


def _share(rows: Array, index: Array, count: int) -> Array:
    """Unchanged; the cotangent is divided by how often its row occurs."""
    times = jnp.zeros(count, rows.dtype).at[index.reshape(-1)].add(1)[index][..., None]
    return jax.lax.stop_gradient(rows) + (rows - jax.lax.stop_gradient(rows)) / times


def _padding_row(padding_idx: int | None, rows: int) -> int | None:
    if padding_idx is None:
        return None
    if not -rows <= padding_idx < rows:
        raise AssertionError("Padding_idx must be within num_embeddings")
    return padding_idx % rows


def _rows_if_sparse(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, Any, Any]:
    sparse = args[6] if len(args) > 6 else kwargs.get("sparse", False)
    return "embedding_rows" if sparse else "embedding", args, kwargs


@op(
    namespaces=("functional",), method=False, check=_check_lookup, resolve=_rows_if_sparse,
    grad_name="EmbeddingBackward0",
)  # fmt: skip
def embedding(
    input: Array,
    weight: Array,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Array:
    """``weight[input]``.  ``(*), (V, D) -> (*, D)``

    Raises:
        IndexError: an index is out of range.
    """
    if weight.ndim != 2:
        raise RuntimeError("'weight' must be 2-D")
    padding = _padding_row(padding_idx, weight.shape[0])
    if max_norm is not None:
        # the rows in place are renormalised by nn.functional.embedding, with embedding_renorm_
        weight = _renormalised(weight, input, jnp.asarray(max_norm), norm_type)
    return _looked_up(weight, input, padding, scale_grad_by_freq)


def _torch_rows_if_sparse(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, Any, Any]:
    sparse = args[4] if len(args) > 4 else kwargs.get("sparse", False)
    return "torch_embedding_rows" if sparse else "torch_embedding", args, kwargs


@op(
    name="embedding", namespaces=("torch",), method=False, check=_check_lookup,
    resolve=_torch_rows_if_sparse,
)  # fmt: skip
def torch_embedding(
    weight: Array,
    indices: Array,
    padding_idx: int = -1,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Array:
    """``weight[indices]``.  ``(V, D), (*) -> (*, D)``

    Raises:
        IndexError: an index is out of range.
    """
    padding = padding_idx if padding_idx >= 0 else None
    return _looked_up(weight, indices, padding, scale_grad_by_freq)


def _renormalised(weight: Array, index: Array, max_norm: Any, norm_type: float) -> Array:
    norms = p_norm(wide(weight), norm_type, 1, True)
    limit = max_norm.astype(norms.dtype)
    used = jnp.zeros((weight.shape[0], 1), bool).at[index.reshape(-1)].set(True)
    scale = jnp.where(used & (norms > limit), limit / (norms + 1e-7), 1)
    return (wide(weight) * scale).astype(weight.dtype)


def _check_renorm(args: dict[str, Any]) -> None:
    _check_indices(args["indices"], args["input"].shape[0], "embedding_renorm_")


@op(inplace=True, method=False, check=_check_renorm)
def embedding_renorm(input: Array, indices: Array, max_norm: Scalar, norm_type: float) -> Array:
    """The weight with those rows that are indexed and longer than max_norm shortened to it.

    ``(V, D), (*) -> (V, D)``
    """
    return _renormalised(input, indices, max_norm, norm_type)


def _check_classes(args: dict[str, Any]) -> None:
    index, count = args["input"], args["num_classes"]
    if index.dtype.name != "int64":
        raise RuntimeError("one_hot is only applicable to index tensor of type LongTensor.")
    values = index.numpy()
    if values.size == 0:
        if count <= 0:
            raise RuntimeError("Can not infer total number of classes from empty tensor.")
        return
    if values.min() < 0:
        raise RuntimeError("Class values must be non-negative.")
    if count != -1 and values.max() >= count:
        raise RuntimeError("Class values must be smaller than num_classes.")


def _classes(args: dict[str, Any]) -> dict[str, Any]:
    if args["num_classes"] != -1:
        return {}
    return {"num_classes": int(args["input"].numpy().max()) + 1}


@op(namespaces=("functional",), method=False, check=_check_classes, prepare=_classes, nondiff=True)
def one_hot(input: Array, num_classes: int = -1) -> Array:
    """1 at each class's place, else 0; -1: as many classes as occur.  ``(*) -> (*, num_classes)``"""
    return (input[..., None] == jnp.arange(num_classes, dtype=input.dtype)).astype(jnp.int64)


def _check_bag_shapes(args: dict[str, Any]) -> None:
    input, weight, offsets = args["input"], args["weight"], args["offsets"]
    per_sample = args["per_sample_weights"]
    if per_sample is not None and per_sample.shape != input.shape:
        raise ValueError(
            f"embedding_bag: If per_sample_weights ({per_sample.shape}) is not None, then it must have the "
            f"same shape as the input ({input.shape})"
        )
    if weight.ndim != 2:
        raise ValueError(f"weight has to be a 2D Tensor, but got Tensor of dimension {weight.ndim}")
    if input.ndim == 2:
        if offsets is not None:
            raise ValueError(
                "if input is 2D, then offsets has to be None, as input is treated is a mini-batch of fixed "
                "length sequences. However, found offsets of type <class 'torch.Tensor'>"
            )
    elif input.ndim == 1:
        if offsets is None:
            raise ValueError("offsets has to be a 1D Tensor but got None")
        if offsets.ndim != 1:
            raise ValueError("offsets has to be a 1D Tensor")
    else:
        raise ValueError(
            f"input has to be 1D or 2D Tensor, but got Tensor of dimension {input.ndim}"
        )


def _check_mode(mode: str, by_frequency: bool, sparse: bool, has_weights: bool) -> None:
    if mode not in ("sum", "mean", "max"):
        raise ValueError("mode has to be one of sum, mean or max")
    if mode == "max" and by_frequency:
        raise ValueError("max mode does not support scaling the gradient by the frequency")
    if mode == "max" and sparse:
        raise ValueError("max mode does not support sparse weights")
    if has_weights and mode != "sum":
        raise NotImplementedError(
            "embedding_bag: per_sample_weights was not None. per_sample_weights is only supported for "
            f"mode='sum' (got mode='{mode}'). Please open a feature request on GitHub."
        )


def _check_bag_indices(args: dict[str, Any]) -> None:
    _check_bag_shapes(args)
    _check_indices(args["input"], args["weight"].shape[0], "embedding_bag")


def _bags(args: dict[str, Any]) -> dict[str, Any]:
    """Each bag's elements as a row of positions, -1 after the last."""
    _check_bag_shapes(args)
    input, offsets = args["input"], args["offsets"]
    _check_mode(
        args["mode"],
        args["scale_grad_by_freq"],
        args["sparse"],
        args["per_sample_weights"] is not None,
    )
    count = int(np.prod(input.shape))
    if input.ndim == 2:
        return {"_place": np.arange(count).reshape(input.shape)}
    starts = offsets.numpy().astype(np.int64)
    if starts.size and starts[0] != 0:
        raise RuntimeError(
            "offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start from position "
            f"0. However, got {starts[0]}"
        )
    if starts.size and starts[-1] > count:
        raise RuntimeError(
            f"offsets[-1] can not be greater than input's length({count}) but got offsets[-1] of {starts[-1]}"
        )
    if args["include_last_offset"]:
        if starts.size == 0:
            raise RuntimeError("include_last_offset: number of offset should be at least 1")
        ends, starts = starts[1:], starts[:-1]
    else:
        ends = np.append(starts[1:], count) if starts.size else starts
    longest = int((ends - starts).max(initial=0))
    place = starts[:, None] + np.arange(longest)[None]
    return {"_place": np.where(place < ends[:, None], place, -1)}


def _bag_rows_if_sparse(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, Any, Any]:
    sparse = args[7] if len(args) > 7 else kwargs.get("sparse", False)
    return "embedding_bag_rows" if sparse else "embedding_bag", args, kwargs


@op(
    namespaces=("functional",), method=False, check=_check_bag_indices, prepare=_bags,
    resolve=_bag_rows_if_sparse, keeps=lambda args: () if args["mode"] == "max" else None,
)  # fmt: skip
def embedding_bag(
    input: Array,
    weight: Array,
    offsets: Array | None = None,
    max_norm: float | None = None,
    norm_type: float = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Array | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
    *,
    _place: Array | None = None,
) -> Array:
    """Sum, mean or maximum of each bag's rows.  ``(B, L), (V, D) -> (B, D)``, or ``(S), (V, D), (B)``

    Raises:
        RuntimeError: an index is out of range.
    """
    if _place is None:
        raise missing("embedding_bag inside a compiled program")
    if max_norm is not None:
        weight = _renormalised(weight, input, jnp.asarray(max_norm), norm_type)
    flat = input.reshape(-1)
    valid = _place >= 0
    at = jnp.where(valid, _place, 0)
    if flat.size == 0 or _place.shape[1] == 0:
        return jnp.zeros((_place.shape[0], weight.shape[1]), weight.dtype)
    index = flat[at]  # (bags, longest)
    if padding_idx is not None:
        valid = valid & (index != padding_idx % weight.shape[0])
    rows = weight[index]
    if scale_grad_by_freq:
        times = jnp.zeros(weight.shape[0], weight.dtype).at[flat].add(1)[index][..., None]
        rows = jax.lax.stop_gradient(rows) + (rows - jax.lax.stop_gradient(rows)) / times
    if mode == "max":
        return _largest(rows, valid)
    rows = wide(rows)
    if per_sample_weights is not None:
        rows = rows * per_sample_weights.reshape(-1)[at].astype(rows.dtype)[..., None]
    total = jnp.where(valid[..., None], rows, 0).sum(1)
    if mode == "mean":
        total = total / jnp.maximum(valid.sum(1), 1).astype(total.dtype)[:, None]
    return total.astype(weight.dtype)


def _largest(rows: Array, valid: Array) -> Array:
    """Maximum of the valid rows, 0 where there are none; the first maximum gets the cotangent."""
    masked = jnp.where(valid[..., None], jax.lax.stop_gradient(rows), -jnp.inf)
    pick = jnp.argmax(masked, 1, keepdims=True)
    best = jnp.take_along_axis(rows, pick, 1)[:, 0]
    return jnp.where(valid.any(1)[:, None], best, 0)
