"""``torch.vmap``: a function of one sample, applied to all of them at once.

How: see ``core.transforms``. Here are only the arguments: which dims are mapped, and what comes back.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Sequence
from typing import Any

from ..api import torch as T
from ..core.crossing import enter, leave
from ..core.rng import get_rng_state, set_rng_state
from ..core.tensor import Tensor
from ..core.transforms import Mapping, running
from ..core.tree import (
    TreeSpec,
    broadcast_to_and_flatten,
    tree_flatten,
    tree_leaves,
    tree_structure,
    tree_unflatten,
)


def name_of(func: Any) -> str:
    """How messages call a function."""
    if hasattr(func, "__name__"):
        return func.__name__
    if isinstance(func, functools.partial):
        return f"functools.partial({name_of(func.func)}, ...)"
    return repr(func)


def vmap(
    func: Callable[..., Any], in_dims: Any = 0, out_dims: Any = 0, randomness: str = "error", *,
    chunk_size: int | None = None,
) -> Callable[..., Any]:  # fmt: skip
    """``func`` mapped over the dims ``in_dims`` of its arguments; results get theirs at ``out_dims``.

    ``randomness`` says whether random numbers are an ``"error"``, ``"different"`` for each sample or
    the ``"same"`` for all; ``chunk_size`` samples are computed at a time.

    Raises:
        ValueError: dims that do not fit the arguments or the results.
        RuntimeError: the function looks at numbers, or makes shapes that depend on them.
    """
    if randomness not in ("error", "different", "same"):
        raise RuntimeError(
            "Only allowed values for randomness are 'error', 'different', or 'same'. Got "
            f"{randomness}"
        )
    if not (chunk_size is None or chunk_size > 0):
        raise ValueError(f"vmap: chunk_size should be None or greater than 0. (got {chunk_size})")

    @functools.wraps(func)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        _check_out_dims(out_dims, func)
        size, dims, leaves, spec = _mapped_inputs(in_dims, args, func)
        call = _Call(func, dims, spec, out_dims, randomness, kwargs)
        if chunk_size is None:
            return call(leaves, size)
        return call.in_chunks(leaves, size, chunk_size)

    return wrapped


def _check_out_dims(out_dims: Any, func: Any) -> None:
    if not all(isinstance(d, int) or d is None for d in tree_leaves(out_dims)):
        raise ValueError(
            f"vmap({name_of(func)}, ..., out_dims={out_dims}): `out_dims` must be an int, None or a python "
            "collection of ints representing where in the outputs the vmapped dimension should appear."
        )


def _mapped_inputs(
    in_dims: Any, args: tuple[Any, ...], func: Any
) -> tuple[int, list[int | None], list[Any], TreeSpec]:
    """The number of samples, and which dim of which leaf of the arguments they lie along."""
    name = name_of(func)
    if not isinstance(in_dims, (int, tuple)):
        raise ValueError(
            f"vmap({name}, in_dims={in_dims}, ...)(<inputs>): expected `in_dims` to be int or a "
            f"(potentially nested) tuple matching the structure of inputs, got: {type(in_dims)}."
        )
    if not args:
        raise ValueError(
            f"vmap({name})(<inputs>): got no inputs. Maybe you forgot to add inputs, or you are trying to "
            "vmap over a function with no inputs. The latter is unsupported."
        )
    leaves, spec = tree_flatten(args)
    dims = broadcast_to_and_flatten(in_dims, spec)
    if dims is None:
        raise ValueError(
            f"vmap({name}, in_dims={in_dims}, ...)(<inputs>): in_dims is not compatible with the structure "
            f"of `inputs`. in_dims has structure {tree_structure(in_dims)} but inputs has structure {spec}."
        )
    for i, (x, dim) in enumerate(zip(leaves, dims, strict=True)):
        dims[i] = _checked_dim(
            x, dim, f"vmap({name}, in_dims={in_dims}, ...)(<inputs>): Got in_dim={dim} "
        )
    return mapped_size(dims, leaves), dims, leaves, spec


def _checked_dim(x: Any, dim: Any, start: str) -> int | None:
    if dim is None:
        return None
    if not isinstance(dim, int):
        raise ValueError(
            f"{start}for an input but in_dim must be either an integer dimension or None."
        )
    if not isinstance(x, Tensor):
        raise ValueError(
            f"{start}for an input but the input is of type {type(x)}. We cannot vmap over non-Tensor "
            "arguments, please use None as the respective in_dim"
        )
    if not -x.ndim <= dim < x.ndim:
        raise ValueError(
            f"{start}for some input, but that input is a Tensor of dimensionality {x.ndim} so expected "
            f"in_dim to satisfy -{x.ndim} <= in_dim < {x.ndim}."
        )
    return dim % x.ndim


def mapped_size(dims: Sequence[int | None], leaves: Sequence[Any]) -> int:
    """How many samples there are."""
    sizes = [x.size(dim) for x, dim in zip(leaves, dims, strict=True) if dim is not None]
    if not sizes:
        raise ValueError("vmap: Expected at least one Tensor to vmap over")
    if any(size != sizes[0] for size in sizes):
        raise ValueError(
            "vmap: Expected all tensors to have the same size in the mapped dimension, got sizes "
            f"{sizes} for the mapped dimension"
        )
    return sizes[0]


class _Call:
    """A call whose arguments are understood."""

    def __init__(
        self, func: Any, dims: list[int | None], spec: TreeSpec, out_dims: Any, randomness: str,
        kwargs: dict[str, Any],
    ) -> None:  # fmt: skip
        self.func = func
        self.dims = dims
        self.spec = spec
        self.out_dims = out_dims
        self.randomness = randomness
        self.kwargs = kwargs

    def __call__(self, leaves: Sequence[Any], size: int) -> Any:
        with running(Mapping(size, self.randomness)) as level:
            inside = [
                x if dim is None else enter(x, dim, level)
                for x, dim in zip(leaves, self.dims, strict=True)
            ]
            found = self.func(*tree_unflatten(inside, self.spec), **self.kwargs)
            return self._outside(found, level)

    def _outside(self, found: Any, level: Mapping) -> Any:
        leaves, spec = tree_flatten(found)
        dims = self._dims_of(found, spec)
        name = name_of(self.func)
        outside = []
        for x, dim in zip(leaves, dims, strict=True):
            if dim is None:
                if isinstance(x, Tensor) and level.number in dict(x._v.aval.levels):
                    raise ValueError(
                        f"vmap({name}, ...): `{name}` can not return a BatchedTensor when out_dim is None"
                    )
                outside.append(x)
                continue
            if not isinstance(x, Tensor):
                raise ValueError(
                    f"vmap({name}, ...): `{name}` must only return Tensors, got type {type(x)}. Did you "
                    "mean to set out_dims= to None for output?"
                )
            outside.append(leave(x, dim, level))
        return tree_unflatten(outside, spec)

    def _dims_of(self, found: Any, spec: TreeSpec) -> list[int | None]:
        out_dims = self.out_dims
        if not isinstance(found, Tensor):
            dims = broadcast_to_and_flatten(out_dims, spec)
        elif isinstance(out_dims, int) or out_dims is None:
            dims = [out_dims]
        else:
            dims = list(out_dims) if isinstance(out_dims, tuple) and len(out_dims) == 1 else None
        if dims is None:
            raise ValueError(
                f"vmap({name_of(self.func)}, ..., out_dims={out_dims})(<inputs>): out_dims is not compatible "
                f"with the structure of `outputs`. out_dims has structure {tree_structure(out_dims)} but "
                f"outputs has structure {spec}."
            )
        return dims

    def in_chunks(self, leaves: Sequence[Any], size: int, chunk_size: int) -> Any:
        """The samples some at a time; the results are joined."""
        starts = range(0, max(size, 1), chunk_size)
        ends = list(itertools.accumulate([min(chunk_size, size - s) for s in starts]))[:-1]
        pieces = [
            [x] * len(starts) if dim is None else T.tensor_split(x, ends, dim=dim)
            for x, dim in zip(leaves, self.dims, strict=True)
        ]
        state = get_rng_state() if self.randomness == "same" else None
        found = []
        for chunk in zip(*pieces, strict=True):
            if state is not None:
                set_rng_state(state)
            found.append(tree_flatten(self(chunk, mapped_size(self.dims, chunk))))
        spec = found[0][1]
        dims = broadcast_to_and_flatten(self.out_dims, spec)
        assert dims is not None
        parts = zip(*[leaves for leaves, _ in found], strict=True)
        return tree_unflatten(
            [T.cat(part, dim=dim) for part, dim in zip(parts, dims, strict=True)], spec
        )
