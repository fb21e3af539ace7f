"""The opposite of expanding: sum_to_size."""

from __future__ import annotations

from typing import Any

from jax import numpy as jnp

from ..core.errors import shape_text
from ..core.registry import Array, op


def _same_size(invoke: Any, args: dict[str, Any]) -> Any:
    size = tuple(args["size"])  # PyTorch sums a number to (), a copy
    return args["input"] if size and size == args["input"].shape else NotImplemented


@op(
    namespaces=(), varargs="size", grad_name="SumBackward1", saves="none", composed=_same_size,
)  # fmt: skip
def sum_to_size(input: Array, size: tuple[int, ...]) -> Array:
    """Summed over the dims that expanding ``size`` to the input repeats; itself if there are none.

    ``(n, m), (1, m) -> (1, m)``

    Raises:
        RuntimeError: ``size`` cannot be expanded to the input's shape.
    """
    lead = input.ndim - len(size)
    if lead < 0 or any(n not in (1, m) for n, m in zip(size, input.shape[lead:], strict=True)):
        raise RuntimeError(
            f"size {{{shape_text(size)}}} is not expandable to size {{{shape_text(input.shape)}}}."
        )
    repeated = [lead + i for i, n in enumerate(size) if n == 1 and input.shape[lead + i] != 1]
    dims = (*range(lead), *repeated)
    if not dims and size:
        return input
    of = input.dtype if jnp.issubdtype(input.dtype, jnp.inexact) else jnp.int64
    return jnp.sum(input, axis=dims, keepdims=True, dtype=of).reshape(size)
