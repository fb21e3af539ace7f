"""``torch.autograd.gradcheck``: analytic gradients against finite differences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..api import torch as T
from ..core.build import from_host
from ..core.crossing import enter, leave
from ..core.modes import no_grad
from ..core.tensor import Tensor
from ..core.transforms import Mapping, running
from ..sparse.gradcheck import as_sparse_gradcheck
from . import forward_ad
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
    """Whether the gradients agree with finite differences for every input that requires grad.

    ``check_forward_ad`` compares forward mode too, ``check_batched_grad`` and
    ``check_batched_forward_grad`` compare ``vmap`` of either with a loop. ``fast_mode`` changes nothing:
    every entry is checked. ``masked``: of sparse inputs only those that are specified.

    Raises:
        GradcheckError: they do not. ValueError: no input requires grad, or nothing is to be checked.
    """
    _check_options(
        check_backward_ad, check_forward_ad, check_batched_grad, check_batched_forward_grad
    )
    xs = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    if any(isinstance(x, Tensor) and not x._is_dense for x in xs):
        given = {"eps": eps, "atol": atol, "rtol": rtol, "raise_exception": raise_exception,
                 "check_batched_grad": check_batched_grad, "check_forward_ad": check_forward_ad,
                 "check_batched_forward_grad": check_batched_forward_grad,
                 "check_backward_ad": check_backward_ad}  # fmt: skip
        return as_sparse_gradcheck(gradcheck)(func, tuple(xs), masked=bool(masked), **given)
    wanted = [i for i, x in enumerate(xs) if isinstance(x, Tensor) and x.requires_grad]
    if not wanted:
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, but none of them have "
            "requires_grad=True."
        )
    backward = (nondet_tol,) if check_backward_ad else ()
    try:
        ys = _outputs(func, xs)
        _check_jacobians(func, xs, ys, wanted, backward, check_forward_ad, eps, (atol, rtol))
        leaves = [xs[i] for i in wanted]
        if check_undefined_grad and check_backward_ad:
            _check_undefined(ys, leaves)
        if check_grad_dtypes:
            _check_dtypes(ys, leaves)
        if check_batched_grad:
            _check_batched(ys, leaves, atol, rtol)
        if check_batched_forward_grad:
            _check_batched_forward(func, xs, wanted, atol, rtol)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def _check_options(
    backward: bool, forward: bool, batched_backward: bool, batched_forward: bool
) -> None:
    if not (backward or forward):
        raise ValueError(
            "Expected at least one of check_forward_ad or check_backward_ad to be True"
        )
    if batched_backward and not backward:
        raise ValueError("Setting check_batched_grad=True requires check_backward_ad to be True")
    if batched_forward and not forward:
        raise ValueError(
            "Setting check_batched_forward_grad=True requires check_forward_ad to be True"
        )


def _check_jacobians(
    func: Callable[..., Any], xs: list[Any], ys: list[Tensor], wanted: list[int],
    backward: tuple[float, ...], forward: bool, eps: float, limits: tuple[float, float],
) -> None:  # fmt: skip
    """Both modes entry by entry; ``backward`` holds the tolerance for nondeterminism, if it is checked."""
    for index, y in enumerate(ys):
        for at in wanted:
            numerical = _numerical(func, xs, at, index, eps)
            if backward and y.requires_grad:
                _check_backward(y, xs[at], numerical, (index, at), limits, backward[0])
            if forward:
                found = _forward(func, xs, at, index)
                _compare(found, numerical, index, at, *limits, "forward mode ")


def _check_undefined(ys: list[Tensor], xs: list[Tensor]) -> None:
    """Backward must cope with outputs that have no gradient."""
    for y in ys if len(ys) > 1 else ():
        if y.requires_grad:
            _gradients(y, xs, T.zeros_like(y))


def _gradients(y: Tensor, xs: list[Tensor], seed: Tensor, batched: bool = False) -> Any:
    return grad(
        y, xs, seed, retain_graph=True, allow_unused=True, materialize_grads=True,
        is_grads_batched=batched,
    )  # fmt: skip


def _check_backward(
    y: Tensor, x: Tensor, numerical: np.ndarray, place: tuple[int, int], limits: tuple[float, float],
    nondet_tol: float,
) -> None:  # fmt: skip
    for unit in (1, 1j) if y.is_complex() else (1,):
        found = _analytical(y, x, unit)
        _compare(found, _expected(numerical, unit, x.is_complex()), *place, *limits)
        again = _analytical(y, x, unit)
        if found.size and np.abs(found - again).max() > nondet_tol:
            raise GradcheckError(
                "Backward is not reentrant, i.e., running backward with same input and grad_output multiple "
                "times gives different values, although analytical gradient matches numerical gradient."
                f"The tolerance for nondeterminism was {nondet_tol}."
            )


def _forward(func: Callable[..., Any], inputs: list[Any], at: int, index: int) -> np.ndarray:
    """d outputs[index] / d inputs[at] by forward mode, laid out as ``_numerical`` has it."""
    x = inputs[at].detach()

    def column(i: int, unit: complex) -> np.ndarray:
        direction = np.zeros(x.numel(), x.dtype.np)
        direction[i] = unit
        return _pushed(func, inputs, {at: from_host(direction.reshape(tuple(x.shape)))}, index)

    columns = []
    for i in range(x.numel()):
        real = column(i, 1)
        columns.append(np.stack([real, column(i, 1j)]) if x.is_complex() else real)
    return np.array(columns)


def _pushed(
    func: Callable[..., Any], inputs: list[Any], directions: dict[int, Tensor], index: int
) -> np.ndarray:
    return np.array(_tangent(func, inputs, directions, index).detach().numpy()).reshape(-1)


def _tangent(
    func: Callable[..., Any], inputs: list[Any], directions: dict[int, Tensor], index: int
) -> Tensor:
    """The tangent of outputs[index]."""
    with forward_ad.dual_level():
        moved = list(inputs)
        for at, direction in directions.items():
            moved[at] = forward_ad.make_dual(inputs[at], direction)
        y, tangent = forward_ad.unpack_dual(_outputs(func, moved)[index])
        return T.zeros_like(y) if tangent is None else tangent


def _check_dtypes(ys: list[Tensor], xs: list[Tensor]) -> None:
    for y in ys:
        if y.requires_grad:
            for x, g in zip(xs, _gradients(y, xs, T.ones_like(y)), strict=True):
                if g.dtype is not x.dtype:
                    raise GradcheckError(
                        f"Input dtype {x.dtype} does not match the dtype {g.dtype} of its gradient"
                    )


def _check_batched(ys: list[Tensor], xs: list[Tensor], atol: float, rtol: float) -> None:
    for index, y in enumerate(ys):
        if not y.requires_grad:
            continue
        seeds = T.randn(2, *y.shape, dtype=y.dtype)
        rows = [_gradients(y, xs, seeds[k]) for k in range(2)]
        for at, whole in enumerate(_gradients(y, xs, seeds, batched=True)):
            each = np.stack([r[at].detach().numpy() for r in rows])
            _compare(whole.detach().numpy(), each, index, at, atol, rtol, "batched gradient ")


def _check_batched_forward(
    func: Callable[..., Any], inputs: list[Any], wanted: list[int], atol: float, rtol: float
) -> None:
    for index in range(len(_outputs(func, inputs))):
        for at in wanted:
            x = inputs[at]
            seeds = T.randn(2, *x.shape, dtype=x.dtype)
            each = np.stack([
                _tangent(func, inputs, {at: seeds[k]}, index).detach().numpy() for k in range(2)
            ])  # fmt: skip
            with running(Mapping(2, "same")) as level:
                found = _tangent(func, inputs, {at: enter(seeds, 0, level)}, index)
                whole = leave(found, 0, level)
            _compare(whole.detach().numpy(), each, index, at, atol, rtol, "batched forward mode ")


def _compare(
    analytical: np.ndarray, numerical: np.ndarray, y: int, x: int, atol: float, rtol: float,
    what: str = "",
) -> None:  # fmt: skip
    numerical = numerical.reshape(analytical.shape)
    if np.allclose(analytical, numerical, rtol=rtol, atol=atol, equal_nan=True):
        return
    raise GradcheckError(
        f"{what}Jacobian mismatch for output {y} with respect to input {x},\n"
        f"numerical:{T.tensor(numerical) if hasattr(T, 'tensor') else numerical}\nanalytical:{analytical}\n"
    )


def gradgradcheck(
    func: Callable[..., Any], inputs: Any, grad_outputs: Any = None, *, eps: float = 1e-6, atol: float = 1e-5,
    rtol: float = 1e-3, gen_non_contig_grad_outputs: bool = False, raise_exception: bool = True,
    nondet_tol: float = 0.0, check_undefined_grad: bool = True, check_grad_dtypes: bool = False,
    check_batched_grad: bool = False, check_fwd_over_rev: bool = False, check_rev_over_rev: bool = True,
    fast_mode: bool = False, masked: bool = False,
) -> bool:  # fmt: skip
    """Whether the gradient's own gradient agrees with finite differences.

    ``gen_non_contig_grad_outputs`` changes nothing: an op gets values, which have no strides.
    """
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
        first, [*xs, *seeds], eps=eps, atol=atol, rtol=rtol, raise_exception=raise_exception,
        nondet_tol=nondet_tol, check_undefined_grad=check_undefined_grad,
        check_grad_dtypes=check_grad_dtypes, check_batched_grad=check_batched_grad,
        check_forward_ad=check_fwd_over_rev, check_backward_ad=check_rev_over_rev,
    )  # fmt: skip
