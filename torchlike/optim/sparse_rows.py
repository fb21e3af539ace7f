"""Steps that touch only the elements (rows) that a sparse gradient specifies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from ..core.dispatch import run_values
from ..core.tensor import Tensor
from ..core.write import rebind_all
from ..sparse.gradients import flat_indices


def step_rows(
    rule: Callable[..., Any], param: Tensor, grad: Any, state: dict[str, Any], names: tuple[str, ...],
    numbers: Sequence[float], maximize: bool,
) -> None:  # fmt: skip
    """``rule(rows of param, of grad, {name: of state}, *numbers)`` gives new rows of param and of state.

    How often an index occurs does not decide the program: it is compiled once for a number of elements.
    """
    old = [param, *[state[name] for name in names]]
    values = grad._values()
    if not values.shape[0]:
        return
    operands = [*old, flat_indices(grad), values, *[float(x) for x in numbers]]
    statics = (rule, names, maximize, grad.sparse_dim())
    rebind_all(old, run_values(_apply, operands, statics, rule.__name__))


def _apply(
    arrays: Sequence[Any],
    rule: Callable[..., Any],
    names: tuple[str, ...],
    maximize: bool,
    sparse_dim: int,
) -> tuple[Any, ...]:
    count = len(names) + 1
    old, (index, values, *numbers) = arrays[:count], arrays[count:]
    param = old[0]
    lead = param.shape[:sparse_dim]
    tables = [x.reshape(-1, *param.shape[sparse_dim:]) for x in old]
    places = tables[0].shape[0] if lead else 1
    # Repeated elements are added up first; the places left over lie outside and are dropped
    rows, at = jnp.unique(index, return_inverse=True, size=index.shape[0], fill_value=places)
    g = jax.ops.segment_sum(values, at.reshape(-1), index.shape[0]).astype(param.dtype)
    g = -g if maximize else g
    knobs = [jnp.asarray(x).astype(param.dtype) for x in numbers]
    first, *rest = [x.at[rows].get(mode="clip") for x in tables]
    new, state = rule(first, g, dict(zip(names, rest, strict=True)), *knobs)
    made = [new, *[state[name] for name in names]]
    return tuple(
        t.at[rows].set(m.astype(t.dtype), mode="drop").reshape(o.shape)
        for t, m, o in zip(tables, made, old, strict=True)
    )
