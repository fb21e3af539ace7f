"""``torch.autograd.functional``: Jacobians and products with them, by the tape or forward mode."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..api import torch as T
from ..core.crossing import enter, leave
from ..core.modes import enable_grad, modes, set_grad_enabled
from ..core.tensor import Tensor
from ..core.transforms import Mapping, running
from . import forward_ad
from .backward import grad

Tensors = tuple[Tensor, ...]


def _as_tuple(x: Any, what: str, name: str) -> tuple[bool, Tensors]:
    """(whether it is a tuple, the tensors).

    Raises:
        TypeError: something else than tensors.
    """
    is_tuple = isinstance(x, tuple)
    found = x if is_tuple else (x,)
    for i, t in enumerate(found):
        if not isinstance(t, Tensor):
            start = (
                f"The {what} given to {name} must be either a Tensor or a tuple of Tensors but the"
            )
            end = f"value at index {i}" if is_tuple else f"given {what}"
            raise TypeError(f"{start} {end} has type {type(t)}.")
    return is_tuple, found


def _fresh(tensors: Tensors, create_graph: bool, need_graph: bool = True) -> Tensors:
    """The tensors as places to differentiate at."""
    return tuple([
        t.view_as(t) if create_graph and t.requires_grad  # type: ignore[attr-defined]
        else t.detach().requires_grad_(need_graph)
        for t in tensors
    ])  # fmt: skip


def _finished(tensors: Sequence[Any], create_graph: bool) -> tuple[Any, ...]:
    if create_graph:
        return tuple(tensors)
    return tuple([
        t.detach() if isinstance(t, Tensor) else _finished(t, create_graph) for t in tensors
    ])  # fmt: skip


def _one_or_all(found: Any, is_tuple: bool) -> Any:
    return found if is_tuple else found[0]


def _by_output_and_input(found: Any, outputs_are_tuple: bool, inputs_are_tuple: bool) -> Any:
    if not inputs_are_tuple:
        found = tuple([row[0] for row in found])
    return found if outputs_are_tuple else found[0]


def _check_vector(v: Tensors, like: Tensors, like_is_tuple: bool) -> None:
    if len(v) != len(like):
        if like_is_tuple:
            raise RuntimeError(
                f"v is a tuple of invalid length: should be {len(like)} but got {len(v)}."
            )
        raise RuntimeError("The given v should contain a single Tensor.")
    for i, (a, b) in enumerate(zip(v, like, strict=True)):
        if a.size() != b.size():
            start = f"Entry {i} in " if like_is_tuple else ""
            raise RuntimeError(
                f"{start}v has invalid size: should be {b.size()} but got {a.size()}."
            )


_STRICT = {
    "outputs": (
        "Output {} of the user-provided function does not require gradients. The outputs must be computed in "
        "a differentiable manner from the input when running in strict mode."
    ),
    "grad_inputs": (
        "The gradient with respect to input {} is independent of the inputs of the user-provided function. "
        "This is not allowed in strict mode."
    ),
    "jacobian": (
        "While computing the hessian, found that the jacobian of the user-provided function with respect to "
        "input {} is independent of the input. This is not allowed in strict mode. You should ensure that "
        "your function is twice differentiable and that the jacobian depends on the inputs (this would be "
        "violated by a linear function for example)."
    ),
    "hessian": (
        "The hessian of the user-provided function with respect to input {} is independent of the input. "
        "This is not allowed in strict mode. You should ensure that your function is thrice differentiable "
        "and that the hessian depends on the inputs."
    ),
}
_ZERO = {
    "back": (
        "The output of the user-provided function is independent of input {}. This is not allowed in strict "
        "mode."
    ),
    "back_trick": (
        "The gradient with respect to the input is independent of entry {} in the grad_outputs when using "
        "the double backward trick to compute forward mode gradients. This is not allowed in strict mode."
    ),
    "double_back": (
        "The jacobian of the user-provided function is independent of input {}. This is not allowed in "
        "strict mode."
    ),
    "double_back_trick": (
        "The hessian of the user-provided function is independent of entry {} in the grad_jacobian. This is "
        "not allowed in strict mode as it prevents from using the double backward trick to replace forward "
        "mode AD."
    ),
}


def _check_depends(tensors: Sequence[Any], what: str, strict: bool) -> None:
    if not strict:
        return
    for i, t in enumerate(tensors):
        if t is None:
            raise RuntimeError(_ZERO["back"].format(i))
        if not t.requires_grad:
            raise RuntimeError(_STRICT[what].format(i))


def _gradients(
    outputs: Sequence[Any], inputs: Tensors, v: Sequence[Any] | None = None, *,
    create_graph: bool = False, retain_graph: bool | None = None, batched: bool = False,
) -> tuple[Any, ...]:  # fmt: skip
    given = [None] * len(outputs) if v is None else list(v)
    pairs = [
        (y, c) for y, c in zip(outputs, given, strict=True) if y is not None and y.requires_grad
    ]
    if not pairs:
        return (None,) * len(inputs)
    return grad(
        [y for y, _ in pairs], inputs, [c for _, c in pairs], allow_unused=True,
        create_graph=create_graph, retain_graph=retain_graph, is_grads_batched=batched,
    )  # fmt: skip


def _with_zeros(
    found: Sequence[Any], like: Tensors, strict: bool, create_graph: bool, stage: str
) -> Tensors:
    made = []
    for i, (g, x) in enumerate(zip(found, like, strict=True)):
        if g is None and strict:
            raise RuntimeError(_ZERO[stage].format(i))
        if g is not None and strict and create_graph and not g.requires_grad:
            what = "hessian" if "double" in stage else "jacobian"
            raise RuntimeError(
                f"The {what} of the user-provided function is independent of input {i}. This is not allowed "
                "in strict mode when create_graph=True."
            )
        made.append(T.zeros_like(x) if g is None else g)
    return tuple(made)


class _Evaluated:
    """A function's value at fresh places, and the checked vector."""

    def __init__(
        self, name: str, func: Callable[..., Any], inputs: Any, create_graph: bool, strict: bool
    ) -> None:
        self.name = name
        self.create_graph = create_graph
        self.many_inputs, given = _as_tuple(inputs, "inputs", name)
        self.inputs = _fresh(given, create_graph)
        self.many_outputs, self.outputs = _as_tuple(
            func(*self.inputs), "outputs of the user-provided function", name
        )
        _check_depends(self.outputs, "outputs", strict)

    def vector(self, v: Any, like: Tensors, is_tuple: bool) -> Tensors:
        v = _fresh(_as_tuple(v, "v", self.name)[1], self.create_graph, False)
        _check_vector(v, like, is_tuple)
        return v

    def vector_of_inputs(self, v: Any) -> Tensors | None:
        if v is not None:
            return self.vector(v, self.inputs, self.many_inputs)
        if len(self.inputs) != 1 or self.inputs[0].numel() != 1:
            raise RuntimeError(
                "The vector v can only be None if the input to the user-provided function is a single Tensor "
                "with a single element."
            )
        return None

    def check_scalar(self) -> None:
        if self.many_outputs:
            raise RuntimeError(f"The function given to {self.name} should return a single Tensor")
        if self.outputs[0].numel() != 1:
            raise RuntimeError(
                f"The Tensor returned by the function given to {self.name} should contain a single element"
            )

    def result(self, found: Tensors, is_tuple: bool) -> tuple[Any, Any]:
        value = _finished(self.outputs, self.create_graph)
        found = _finished(found, self.create_graph)
        return _one_or_all(value, self.many_outputs), _one_or_all(found, is_tuple)


def vjp(
    func: Callable[..., Any],
    inputs: Any,
    v: Any = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """``(func(*inputs), v^T J)``.

    Raises:
        RuntimeError: ``v`` does not fit the outputs; with ``strict``, an output independent of an input.
    """
    with enable_grad():
        f = _Evaluated("vjp", func, inputs, create_graph, strict)
        if v is not None:
            v = f.vector(v, f.outputs, f.many_outputs)
        elif len(f.outputs) != 1 or f.outputs[0].numel() != 1:
            raise RuntimeError(
                "The vector v can only be None if the user-provided function returns a single Tensor with a "
                "single element."
            )
    with set_grad_enabled(create_graph or modes.grad):
        found = _gradients(f.outputs, f.inputs, v, create_graph=create_graph)
        found = _with_zeros(found, f.inputs, strict, create_graph, "back")
    return f.result(found, f.many_inputs)


def jvp(
    func: Callable[..., Any],
    inputs: Any,
    v: Any = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """``(func(*inputs), J v)``, by differentiating ``v^T J`` with respect to its ``v``.

    Raises:
        RuntimeError: ``v`` does not fit the inputs; with ``strict``, an output independent of an input.
    """
    with enable_grad():
        f = _Evaluated("jvp", func, inputs, create_graph, strict)
        v = f.vector_of_inputs(v)
        dummies = tuple([T.zeros_like(y).requires_grad_() for y in f.outputs])
        back = _gradients(f.outputs, f.inputs, dummies, create_graph=True)
        _check_depends(back, "grad_inputs", strict)
    with set_grad_enabled(create_graph or modes.grad):
        found = _gradients(back, dummies, v, create_graph=create_graph)
        found = _with_zeros(found, f.outputs, strict, create_graph, "back_trick")
    return f.result(found, f.many_outputs)


def _second(
    name: str, func: Callable[..., Any], inputs: Any, v: Any, create_graph: bool, strict: bool
) -> tuple[_Evaluated, Any, tuple[Any, ...]]:
    """The evaluated scalar function, the vector, and the function's gradient with its graph."""
    with enable_grad():
        f = _Evaluated(name, func, inputs, create_graph, strict)
        v = f.vector_of_inputs(v)
        f.check_scalar()
        first = _gradients(f.outputs, f.inputs, create_graph=True)
        _check_depends(first, "jacobian", strict)
    return f, v, first


def vhp(
    func: Callable[..., Any],
    inputs: Any,
    v: Any = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """``(func(*inputs), v^T H)`` of a scalar function.

    Raises:
        RuntimeError: as in ``vjp``.
    """
    f, v, first = _second("vhp", func, inputs, v, create_graph, strict)
    with set_grad_enabled(create_graph or modes.grad):
        found = _gradients(first, f.inputs, v, create_graph=create_graph)
        found = _with_zeros(found, f.inputs, strict, create_graph, "double_back")
    return f.result(found, f.many_inputs)


def hvp(
    func: Callable[..., Any],
    inputs: Any,
    v: Any = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """``(func(*inputs), H v)`` of a scalar function; ``vhp`` is the same and cheaper.

    Raises:
        RuntimeError: as in ``vjp``.
    """
    f, v, first = _second("hvp", func, inputs, v, create_graph, strict)
    with enable_grad():
        dummies = tuple([T.zeros_like(x).requires_grad_() for x in f.inputs])
        second = _gradients(first, f.inputs, dummies, create_graph=True)
        _check_depends(first, "hessian", strict)
    with set_grad_enabled(create_graph or modes.grad):
        found = _gradients(second, dummies, v, create_graph=create_graph)
        found = _with_zeros(found, f.inputs, strict, create_graph, "double_back_trick")
    return f.result(found, f.many_inputs)


# --- whole matrices --------------------------------------------------------------------------------


def _basis(tensors: Tensors) -> tuple[list[int], Tensors]:
    """The unit vectors of the tensors' joint space: ``(total, count)`` each."""
    counts = [t.numel() for t in tensors]
    whole = [T.eye(sum(counts), dtype=t.dtype, device=t.device) for t in tensors]
    return counts, tuple([
        T.split(unit, counts, 1)[k] for k, unit in enumerate(whole)
    ])  # fmt: skip


def jacobian(
    func: Callable[..., Any], inputs: Any, create_graph: bool = False, strict: bool = False,
    vectorize: bool = False, strategy: str = "reverse-mode",
) -> Any:  # fmt: skip
    """d func / d inputs: ``output shape + input shape`` per pair; all rows at once if ``vectorize``.

    Raises:
        AssertionError: no such strategy.
        RuntimeError: with ``strict``, an output independent of an input.
    """
    if strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError(
            'Expected strategy to be either "forward-mode" or "reverse-mode". Hint: If your function has '
            'more outputs than inputs, "forward-mode" tends to be more performant. Otherwise, prefer to use '
            '"reverse-mode".'
        )
    if strategy == "forward-mode":
        _check_forward(create_graph, strict, vectorize)
        return _columns(func, inputs)
    with enable_grad():
        f = _Evaluated("jacobian", func, inputs, create_graph, strict)
        if vectorize and strict:
            raise RuntimeError(
                "torch.autograd.functional.jacobian: `strict=True` and `vectorized=True` are not supported "
                "together. Please either set `strict=False` or `vectorize=False`."
            )
        found = _rows_at_once(f) if vectorize else [
            _rows(f, i, y, strict) for i, y in enumerate(f.outputs)
        ]  # fmt: skip
    found = tuple([_finished(row, create_graph) for row in found])
    return _by_output_and_input(found, f.many_outputs, f.many_inputs)


def _check_forward(create_graph: bool, strict: bool, vectorize: bool) -> None:
    for name, is_set in (("create_graph", create_graph), ("strict", strict)):
        if is_set:
            kind = NotImplementedError if name == "create_graph" else RuntimeError
            raise kind(
                f'torch.autograd.functional.jacobian: `{name}=True` and `strategy="forward-mode"` are not '
                f'supported together (yet). Please either set `{name}=False` or `strategy="reverse-mode"`.'
            )
    if not vectorize:
        raise NotImplementedError(
            "Computing Jacobian using forward-AD or forward-over-reverse Hessian isonly implemented for "
            "`vectorize=True`."
        )


def _rows(f: _Evaluated, i: int, y: Tensor, strict: bool) -> Tensors:
    """One backward per element of an output."""
    flat = y.reshape(-1)  # type: ignore[attr-defined]
    cells: list[list[Tensor]] = [[] for _ in f.inputs]
    for j in range(flat.numel()):
        row = _gradients([flat[j]], f.inputs, retain_graph=True, create_graph=f.create_graph)
        for k, (g, x) in enumerate(zip(row, f.inputs, strict=True)):
            if g is None and strict:
                raise RuntimeError(
                    f"Output {i} of the user-provided function is independent of input {k}. This is not "
                    "allowed in strict mode."
                )
            if g is not None and strict and f.create_graph and not g.requires_grad:
                raise RuntimeError(
                    "The jacobian of the user-provided function is independent of input "
                    f"{i}. This is not allowed in strict mode when create_graph=True."
                )
            cells[k].append(T.zeros_like(x) if g is None else g)
    return tuple([
        T.stack(column).view((*y.shape, *x.shape)) for column, x in zip(cells, f.inputs, strict=True)
    ])  # fmt: skip


def _rows_at_once(f: _Evaluated) -> list[Tensors]:
    """One backward that is mapped over a basis of the outputs."""
    counts, basis = _basis(f.outputs)
    flat = [y.reshape(-1) for y in f.outputs]  # type: ignore[attr-defined]
    found = _gradients(flat, f.inputs, basis, create_graph=f.create_graph, batched=True)
    columns = [
        T.zeros((sum(counts), *x.shape), dtype=x.dtype, device=x.device) if g is None else g
        for g, x in zip(found, f.inputs, strict=True)
    ]
    rows = [T.split(c, counts, 0) for c in columns]
    return [
        tuple([r[j].reshape((*y.shape, *x.shape)) for r, x in zip(rows, f.inputs, strict=True)])
        for j, y in enumerate(f.outputs)
    ]


def _columns(func: Callable[..., Any], inputs: Any) -> Any:
    """Forward mode, mapped over a basis of the inputs."""
    many_inputs, xs = _as_tuple(inputs, "inputs", "jacobian")
    counts, basis = _basis(xs)
    with running(Mapping(sum(counts), "error")) as level, forward_ad.dual_level():
        duals = [
            forward_ad.make_dual(x, enter(unit, 0, level).view_as(x))  # type: ignore[attr-defined]
            for x, unit in zip(xs, basis, strict=True)
        ]
        many_outputs, outputs = _as_tuple(func(*duals), "outputs", "jacobian")
        found = []
        for y in outputs:
            primal, tangent = forward_ad.unpack_dual(y)
            found.append((tuple(primal.shape), leave(
                T.zeros_like(primal) if tangent is None else tangent, 0, level
            )))  # fmt: skip
    rows = []  # lists, as PyTorch returns here
    for shape, whole in found:
        parts = T.split(T.movedim(whole, 0, -1), counts, -1)
        rows.append([p.reshape((*shape, *x.shape)) for p, x in zip(parts, xs, strict=True)])
    return _by_output_and_input(rows, many_outputs, many_inputs)


def hessian(
    func: Callable[..., Any], inputs: Any, create_graph: bool = False, strict: bool = False,
    vectorize: bool = False, outer_jacobian_strategy: str = "reverse-mode",
) -> Any:  # fmt: skip
    """The second derivatives of a scalar function, as a block per pair of inputs.

    Raises:
        RuntimeError: no scalar; with ``strict``, an input that does not matter.
    """
    many, xs = _as_tuple(inputs, "inputs", "hessian")
    if outer_jacobian_strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError('Expected strategy to be either "forward-mode" or "reverse-mode".')

    def scalar(*points: Tensor) -> Tensor:
        out = func(*points)
        is_tuple, found = _as_tuple(out, "outputs of the user-provided function", "hessian")
        _check_depends(found, "outputs", strict)
        if is_tuple:
            raise RuntimeError("The function given to hessian should return a single Tensor")
        if out.numel() != 1:
            raise RuntimeError(
                "The Tensor returned by the function given to hessian should contain a single element"
            )
        return out.squeeze()

    def gradient(*points: Tensor) -> Any:
        if outer_jacobian_strategy == "forward-mode":
            points = tuple([_requiring(t) for t in points])
        found = jacobian(scalar, points, create_graph=True)
        _check_depends(found, "jacobian", strict)
        return found

    found = jacobian(
        gradient, xs, create_graph=create_graph, strict=strict, vectorize=vectorize,
        strategy=outer_jacobian_strategy,
    )  # fmt: skip
    return _by_output_and_input(found, many, many)


def _requiring(t: Tensor) -> Tensor:
    """The dual tensor as a leaf, inside of a ``vmap`` of our own."""
    t._rg = True
    return t
