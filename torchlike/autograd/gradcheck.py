"""``torch.autograd.gradcheck``: analytic gradients against finite differences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..api import torch as T
from ..core.build import from_host
from ..core.modes import no_grad
from ..core.tensor import Tensor
from .backward import grad


class GradcheckError(RuntimeError):
    """The gradients differ."""


def _outputs(func: Callable[..., Any], inputs: Sequence[Any]) -> list[Tensor]:
    out = func(*inputs)
    many = list(out) if isinstance(out, (tuple, list)) else [out]
    return [o for o in many if isinstance(o, Tensor) and (o.is_floating_point() or o.is_complex())]


def _numerical(
    func: Callable[..., Any], inputs: list[Any], at: int, index: int, eps: float
) -> np.ndarray:
    """d outputs[index] / d inputs[at] by central differences; complex inputs along both axes."""
    x = inputs[at]
    base = np.array(x.detach().numpy())
    flat = base.reshape(-1)

    def value(step: complex, i: int) -> np.ndarray:
        moved = flat.copy()
        moved[i] += step
        changed = list(inputs)
        changed[at] = from_host(moved.reshape(base.shape)).requires_grad_()
        with no_grad():
            return np.array(_outputs(func, changed)[index].detach().numpy()).reshape(-1)

    columns = []
    for i in range(flat.size):
        real = (value(eps, i) - value(-eps, i)) / (2 * eps)
        if x.is_complex():
            imag = (value(1j * eps, i) - value(-1j * eps, i)) / (2 * eps)
            real = np.stack([real, imag])
        columns.append(real)
    return np.array(columns)


def _analytical(y: Tensor, x: Tensor, unit: complex) -> np.ndarray:
    rows = []
    for i in range(y.numel()):
        seed = np.zeros(tuple(y.shape), y.dtype.np).reshape(-1)
        seed[i] = unit
        g = grad(
            y, x, from_host(seed.reshape(tuple(y.shape))), retain_graph=True, allow_unused=True
        )[0]
        found = np.zeros(tuple(x.shape), x.dtype.np) if g is None else np.array(g.detach().numpy())
        rows.append(found.reshape(-1))
    return np.array(rows).T if rows else np.zeros((x.numel(), 0))


def _expected(numerical: np.ndarray, unit: complex, x_complex: bool) -> np.ndarray:
    """The vjp of ``unit`` from the real Jacobian: Re(conj(unit) dy) along each input axis."""
    along = np.real(np.conj(unit) * numerical)
    if not x_complex:
        return along
    return along[:, 0] + 1j * along[:, 1]


def gradcheck(
    func: Callable[..., Any], inputs: Any, *, eps: float = 1e-6, atol: float = 1e-5, rtol: float = 1e-3,
    raise_exception: bool = True, nondet_tol: float = 0.0, check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False, check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False, check_forward_ad: bool = False,
    check_backward_ad: bool = True, fast_mode: bool = False, masked: bool | None = None,
) -> bool:  # fmt: skip
    """Whether backward agrees with finite differences for every input that requires grad.

    Raises:
        GradcheckError: it does not. ValueError: no input requires grad.
    """
    xs = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    wanted = [i for i, x in enumerate(xs) if isinstance(x, Tensor) and x.requires_grad]
    if not wanted:
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, but none of them have "
            "requires_grad=True."
        )
    try:
        for index, y in enumerate(_outputs(func, xs)):
            if not y.requires_grad:
                continue
            for at in wanted:
                numerical = _numerical(func, xs, at, index, eps)
                for unit in (1, 1j) if y.is_complex() else (1,):
                    _compare(_analytical(y, xs[at], unit), _expected(numerical, unit, xs[at].is_complex()),
                             index, at, atol, rtol)  # fmt: skip
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def _compare(
    analytical: np.ndarray, numerical: np.ndarray, y: int, x: int, atol: float, rtol: float
) -> None:
    numerical = numerical.reshape(analytical.shape)
    if np.allclose(analytical, numerical, rtol=rtol, atol=atol, equal_nan=True):
        return
    raise GradcheckError(
        f"Jacobian mismatch for output {y} with respect to input {x},\n"
        f"numerical:{T.tensor(numerical) if hasattr(T, 'tensor') else numerical}\nanalytical:{analytical}\n"
    )


def gradgradcheck(
    func: Callable[..., Any], inputs: Any, grad_outputs: Any = None, *, eps: float = 1e-6, atol: float = 1e-5,
    rtol: float = 1e-3, gen_non_contig_grad_outputs: bool = False, raise_exception: bool = True,
    nondet_tol: float = 0.0, check_undefined_grad: bool = True, check_grad_dtypes: bool = False,
    check_batched_grad: bool = False, check_fwd_over_rev: bool = False, check_rev_over_rev: bool = True,
    fast_mode: bool = False, masked: bool = False,
) -> bool:  # fmt: skip
    """Whether the gradient's own gradient agrees with finite differences."""
    xs = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    ys = _outputs(func, xs)
    if grad_outputs is None:
        seeds = [T.randn_like(y.detach()).requires_grad_() for y in ys]
    else:
        seeds = [grad_outputs] if isinstance(grad_outputs, Tensor) else list(grad_outputs)

    def first(*args: Any) -> Any:
        inner, outer = args[: len(xs)], args[len(xs) :]
        inner = [a if not isinstance(a, Tensor) or a.requires_grad or not x.requires_grad
                 else a.detach().requires_grad_() if isinstance(x, Tensor) else a
                 for a, x in zip(inner, xs, strict=True)]  # fmt: skip
        from ..core.modes import enable_grad

        with enable_grad():
            outs = _outputs(func, inner)
            leaves = [a for a in inner if isinstance(a, Tensor) and a.requires_grad]
            return grad(
                outs,
                leaves,
                list(outer),
                create_graph=True,
                allow_unused=True,
                materialize_grads=True,
            )

    return gradcheck(
        first, [*xs, *seeds], eps=eps, atol=atol, rtol=rtol, raise_exception=raise_exception
    )
