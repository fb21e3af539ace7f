"""``torch.autograd.Function``: an operation whose gradient the user writes."""

from __future__ import annotations

import functools
import inspect
import weakref
from collections.abc import Callable, Sequence
from typing import Any

from ..api import torch as T
from ..core.errors import shape_text
from ..core.forward import below, tangents_of
from ..core.lifted import Packed
from ..core.modes import modes, no_grad
from ..core.tape import Edge, Node
from ..core.tensor import Storage, Tensor, wrap
from ..core.value import Value
from .function_transforms import (
    ended_levels,
    levels_of,
    mapped_backward,
    mapped_forward,
    push_function,
    tangents_ignored,
)


class _Saved:
    """A tensor kept for backward: its value then, and where its history leads."""

    __slots__ = ("edge", "index", "packed", "storage", "tensor", "value", "version")

    def __init__(self, t: Tensor, outputs: dict[int, int]) -> None:
        self.index = outputs.get(id(t))
        self.edge = t._grad_edge_or_none() if t._rg and self.index is None else None
        self.packed = Packed(t._v) if modes.saving and t._is_dense else None
        self.tensor = None if self.index is not None or self.packed is not None else t
        self.value: Any = t._v if t._is_dense else t.detach()
        self.storage: weakref.ref[Storage] = weakref.ref(t._storage)
        self.version = t._storage.version

    def unpack(self, node: Node) -> Tensor:
        storage = self.storage()
        if self.packed is not None:
            self.value = self.packed.unpacked()
        elif storage is not None and storage.version != self.version:
            raise RuntimeError(
                "one of the variables needed for gradient computation has been modified by an inplace "
                f"operation: [torch.{_type_name(self.value)} {list(_tensor(self.value).shape)}]"
                f"{f', which is output 0 of {storage.writer},' if storage.writer else ''} is at version "
                f"{storage.version}; expected version {self.version} instead. Hint: enable anomaly detection to "
                "find the operation that failed to compute its gradient, with "
                "torch.autograd.set_detect_anomaly(True, check_nan=False)."
            )
        if self.tensor is not None:
            return self.tensor
        t = _tensor(self.value)
        edge = self.edge if self.index is None else (node, self.index)
        if edge is not None:
            t._edge, t._rg = edge, True
        return t


def _tensor(value: Any) -> Tensor:
    """A new tensor of what was saved."""
    return wrap(value) if type(value) is Value else value.detach()


def _type_name(value: Any) -> str:
    return f"{_tensor(value).type().removeprefix('torch.')}"  # type: ignore[attr-defined]


class FunctionCtx:
    """What ``forward`` leaves for ``backward``."""

    materialize_grads = True
    needs_input_grad: tuple[bool, ...] = ()
    _to_save: tuple[Any, ...] = ()
    _saved_for_forward: tuple[Any, ...] = ()
    _dirty: tuple[Tensor, ...] = ()
    _non_differentiable: tuple[Tensor, ...] = ()

    def save_for_backward(self, *tensors: Any) -> None:
        """Keeps tensors (inputs or outputs) for ``saved_tensors``.

        Raises:
            TypeError: something that is neither a tensor nor None.
        """
        for i, t in enumerate(tensors):
            if t is not None and not isinstance(t, Tensor):
                raise TypeError(
                    f"save_for_backward can only save variables, but argument {i} is of type {type(t).__name__}"
                )
        self._to_save = tensors

    def save_for_forward(self, *tensors: Any) -> None:
        """Keeps tensors for ``saved_tensors`` in ``jvp``.

        Raises:
            AssertionError: something that is neither a tensor nor None.
        """
        if not all(t is None or isinstance(t, Tensor) for t in tensors):
            raise AssertionError(
                "save_for_forward expects all arguments to be tensors; you should save non-tensors as "
                "attributes on ctx."
            )
        self._saved_for_forward = tensors

    def mark_dirty(self, *args: Tensor) -> None:
        self._dirty = args

    def mark_non_differentiable(self, *args: Tensor) -> None:
        self._non_differentiable = args

    def set_materialize_grads(self, value: bool) -> None:
        self.materialize_grads = value

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        raise NotImplementedError


class BackwardCFunction(FunctionCtx, Node):
    """The node of a custom function; its ``ctx``, too."""

    _function: type[Function]
    _saved: list[_Saved | None] | None = None
    _slots: Sequence[int] = ()
    _count = 0
    _levels: Any = ()  # those of vmap that it is mapped over
    _forward_level: Any = None  # while the user's jvp runs
    _again: Any = None  # brings saved tensors into levels that have ended, while backward runs

    def __init__(self) -> None:
        Node.__init__(self, type(self).__name__, (), ())

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """What ``save_for_backward`` kept.

        Raises:
            RuntimeError: already freed.
        """
        if self._forward_level is not None:
            level = self._forward_level
            return tuple([None if t is None else below(t, level) for t in self._saved_for_forward])
        if self._saved is None:
            if self._freed:
                raise RuntimeError(_FREED)
            return ()
        again = self._again or (lambda t: t)
        return tuple([None if s is None else again(s.unpack(self)) for s in self._saved])

    saved_variables = saved_tensors
    _freed = False

    def release(self) -> None:
        if self._saved:
            self._saved, self._freed = None, True

    def apply(self, *grads: Any) -> Any:  # type: ignore[override]
        """The engine passes (list, create_graph); a user passes the gradients."""
        if len(grads) == 2 and isinstance(grads[0], list):
            ended = ended_levels(self._levels, self.sequence)
            if not ended:
                return self._engine_apply(grads[0])
            return mapped_backward(ended, grads[0], self._in_avals, self._apply_again)
        return self._function.backward(self, *grads)

    def _apply_again(self, grads: list[Any], again: Any) -> list[Any]:
        before, self._again = self._again, again
        try:
            return self._engine_apply(grads)
        finally:
            self._again = before

    def _engine_apply(self, grads: list[Any]) -> list[Any]:
        if self._freed:
            raise RuntimeError(_FREED)
        if self.materialize_grads:
            grads = [
                _zeros(a) if g is None else g for g, a in zip(grads, self.out_avals, strict=True)
            ]
        backward = self._function.backward
        if self._function.vjp is not Function.vjp:
            if backward is not Function.backward:
                raise RuntimeError(
                    "Implementing both 'backward' and 'vjp' for a custom Function is not allowed. You should "
                    "only implement one of them."
                )
            backward = self._function.vjp
        found = backward(self, *grads)
        results = list(found) if isinstance(found, (tuple, list)) else [found]
        return self._checked(results)

    def _checked(self, results: list[Any]) -> list[Any]:
        name = type(self).__name__
        while len(results) > self._count and results[-1] is None:
            results.pop()
        if len(results) != self._count:
            raise RuntimeError(
                f"function {name} returned an incorrect number of gradients (expected {self._count}, "
                f"got {len(results)})"
            )
        for i, r in enumerate(results):
            if r is not None and i not in self._slots:
                raise RuntimeError(
                    f"function {name} returned a gradient different than None at position {i + 1}, but the "
                    "corresponding forward input was not a Variable"
                )
            if r is not None and not isinstance(r, Tensor):
                raise RuntimeError(f"expected Variable or None (got {type(r).__name__})")
        picked = [results[i] for i in self._slots]
        return [self._fitted(i, g) for i, g in enumerate(picked)]

    def _fitted(self, i: int, grad: Any) -> Tensor | None:
        """The gradient in the input's shape and dtype, as the engine requires."""
        if grad is None or self.edges[i] is None:
            return None
        mine = self._in_avals[i]
        if grad._aval.shape != mine.shape:
            try:
                grad = grad.sum_to_size(mine.shape)  # type: ignore[attr-defined]
            except RuntimeError:
                raise RuntimeError(
                    f"Function {type(self).__name__} returned an invalid gradient at index {i} - got "
                    f"{shape_text(grad._aval.shape)} but expected shape compatible with {shape_text(mine.shape)}"
                ) from None
        if grad._aval.dtype is not mine.dtype:
            grad = grad.to(mine.dtype)  # type: ignore[attr-defined]
        return grad


_FREED = (
    "Trying to backward through the graph a second time (or directly access saved tensors after they have "
    "already been freed). Saved intermediate values of the graph are freed when you call .backward() or "
    "autograd.grad(). Specify retain_graph=True if you need to backward through the graph a second time or "
    "if you need to access saved tensors after calling backward."
)


def _zeros(a: Any) -> Tensor:
    return T.zeros(a.shape, dtype=a.dtype, device=a.device)


class FunctionMeta(type):
    """Gives every Function its node class, ``NameBackward``."""

    def __init__(cls, name: str, bases: tuple[type, ...], attrs: dict[str, Any]) -> None:
        super().__init__(name, bases, attrs)
        cls._backward_cls = type(f"{name}Backward", (BackwardCFunction,), {"_function": cls})


class Function(FunctionCtx, metaclass=FunctionMeta):
    """Subclass with static ``forward(ctx, *args)`` and ``backward(ctx, *grads)``; call ``.apply``."""

    _backward_cls: type[BackwardCFunction]
    generate_vmap_rule = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        import warnings

        warnings.warn(
            f"{type(self)} should not be instantiated. Methods on autograd functions are all static, so you "
            "should invoke them on the class itself. Instantiating an autograd function will raise an error "
            "in a future version of PyTorch.",
            DeprecationWarning,
            stacklevel=2,
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError(
            "Legacy autograd function with non-static forward method is deprecated. Please use new-style "
            "autograd function with static forward method. (Example: "
            "https://pytorch.org/docs/stable/autograd.html#torch.autograd.Function)"
        )

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(
            "You must implement the forward function for custom autograd.Function."
        )

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> Any:
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom autograd.Function to use it "
            "with backward mode AD."
        )

    @staticmethod
    def vjp(ctx: Any, *grad_outputs: Any) -> Any:
        raise NotImplementedError("You must implement either the backward or vjp method.")

    @staticmethod
    def jvp(ctx: Any, *grad_inputs: Any) -> Any:
        raise NotImplementedError(
            "You must implement the jvp function for custom autograd.Function to use it with forward mode AD."
        )

    @staticmethod
    def vmap(info: Any, in_dims: Any, *args: Any) -> Any:
        raise NotImplementedError(
            "To use autograd.Function with vmap, you must override the vmap staticmethod."
        )

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Runs ``forward`` and records a node whose backward is the user's."""
        has_context = cls.setup_context is not Function.setup_context
        if has_context:
            bound = inspect.signature(cls.forward).bind(*args, **kwargs)
            bound.apply_defaults()
            args, kwargs = bound.args, bound.kwargs
        elif modes.transforms:
            raise RuntimeError(
                "In order to use an autograd.Function with functorch transforms (vmap, grad, jvp, jacrev, "
                "...), it must override the setup_context staticmethod. For more details, please see "
                "https://pytorch.org/docs/main/notes/extending.func.html"
            )
        needs = tuple([isinstance(a, Tensor) and a.requires_grad for a in args])
        ctx = cls._backward_cls()
        ctx.needs_input_grad = needs
        ctx._count = len(args)
        with no_grad(), tangents_ignored():
            if has_context:
                is_done, output = mapped_forward(cls, cls.vmap is not Function.vmap, args)
                if not is_done:
                    output = cls.forward(*args, **kwargs)
                cls.setup_context(ctx, args, output)
            else:
                output = cls.forward(ctx, *args, **kwargs)
        if modes.grad and any(needs):
            output = cls._recorded(ctx, args, output)
        if modes.forward and any(isinstance(a, Tensor) and tangents_of(a) for a in args):
            push_function(ctx, cls.jvp, args, output)
        return output

    @classmethod
    def _recorded(cls, ctx: BackwardCFunction, args: tuple[Any, ...], output: Any) -> Any:
        ctx._slots = [i for i, a in enumerate(args) if isinstance(a, Tensor)]
        tensors = [args[i] for i in ctx._slots]
        ctx.edges = [_edge_of(t) for t in tensors]
        ctx._in_avals = [t._aval for t in tensors]
        ctx._levels = levels_of(
            [*args, *(output if isinstance(output, (tuple, list)) else (output,))]
        )
        return _attach(ctx, args, output)


def _edge_of(t: Tensor) -> Edge | None:
    return t._grad_edge_or_none()


def _attach(ctx: BackwardCFunction, args: tuple[Any, ...], output: Any) -> Any:
    """Points the outputs at their node; saves what was asked for."""
    single = not isinstance(output, (tuple, list))
    outputs = [output] if single else list(output)
    inputs = {id(a) for a in args if isinstance(a, Tensor)}
    dirty = {id(t) for t in ctx._dirty}
    for t in ctx._dirty:
        t._storage.version += 1
    fixed = {id(t) for t in ctx._non_differentiable}
    results: list[Any] = []
    avals = []
    for t in outputs:
        if not isinstance(t, Tensor):
            results.append(t)
            continue
        made = t
        if id(t) in inputs and id(t) not in dirty:
            with no_grad():
                made = t.view_as(t) if t._is_dense else t.detach()  # type: ignore[attr-defined]
            made._base = None
        avals.append(made._aval)
        if id(t) not in fixed and made._aval.inexact:
            if id(t) in dirty and made._rg and made._edge is None and made._base is None:
                raise RuntimeError(
                    "a leaf Variable that requires grad has been used in an in-place operation."
                )
            made._base = None
            made._edge, made._rg = (ctx, len(avals) - 1), True
            made._edge_version += 1
        results.append(made)
    ctx.out_avals = avals
    places = {id(t): i for i, t in enumerate(t for t in results if isinstance(t, Tensor))}
    places |= {
        id(t): i
        for i, t in enumerate(t for t in outputs if isinstance(t, Tensor))
        if id(t) not in inputs
    }
    ctx._saved = [None if t is None else _Saved(t, places) for t in ctx._to_save]
    ctx._to_save, ctx._dirty, ctx._non_differentiable = (), (), ()
    return results[0] if single else type(output)(results)


def once_differentiable(fn: Callable[..., Any]) -> Callable[..., Any]:
    """A backward that itself cannot be differentiated; trying to raises."""

    @functools.wraps(fn)
    def wrapper(ctx: Any, *grads: Any) -> Any:
        with no_grad():
            outputs = fn(ctx, *grads)
        if not modes.grad or not any(isinstance(g, Tensor) and g.requires_grad for g in grads):
            return outputs
        many = outputs if isinstance(outputs, tuple) else (outputs,)
        blocked = tuple(_block(o) if isinstance(o, Tensor) else o for o in many)
        return blocked if isinstance(outputs, tuple) else blocked[0]

    return wrapper


class _Blocked(Node):
    """A node that refuses to be walked."""

    __slots__ = ()

    def apply(self, grads: list[Any], create_graph: bool) -> Any:
        raise RuntimeError(
            "trying to differentiate twice a function that was marked with @once_differentiable"
        )


def _block(t: Tensor) -> Tensor:
    t = t.detach()
    t._edge, t._rg = (_Blocked("ErrorBackward", (), (t._v.aval,)), 0), True
    return t


class InplaceFunction(Function):
    """Kept for old programs: a Function with an ``inplace`` flag."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace


class NestedIOFunction(Function):
    """Kept so that old programs import; PyTorch's own can no longer be called either."""

    def save_for_backward(self, *args: Any) -> None:
        self._to_save = args

    def forward_extended(self, *input: Any) -> None:
        raise NotImplementedError

    def backward_extended(self, *grad_output: Any) -> None:
        raise NotImplementedError
