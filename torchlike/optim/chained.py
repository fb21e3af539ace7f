"""Optimizers whose step is an optax chain, run as one call over a group's parameters.

A subclass says which hyper-parameters are run-time ``numbers``, which are ``switches`` that choose
the program, how its state begins (``_begin``), and in ``rule`` which chain that makes. The chain is
applied to each parameter by itself, because in PyTorch each one counts its own steps; XLA gets one
program all the same. Numbers are float64 operands, so a scheduler never recompiles.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp

from ..api import torch as T
from ..core.dispatch import run_values
from ..core.modes import modes
from ..core.tensor import Tensor
from ..core.write import rebind_all
from .optimizer import Optimizer, _get_scalar_dtype, _to_scalar, _use_grad_for_differentiable

CAPTURABLE = ["cuda", "xpu", "hpu", "privateuseone", "xla"]
FUSED = ["mps", "cuda", "xpu", "hpu", "cpu", "mtia", "privateuseone"]
# What optax calls the fields of its states, in PyTorch's names.
STATE_NAMES = {"trace": "momentum_buffer"}


class ChainedOptimizer(Optimizer):
    """See the module's docstring."""

    numbers: tuple[str, ...] = ("lr", "eps", "weight_decay")
    switches: tuple[str, ...] = ("maximize",)
    _refuses_sparse = ""  # PyTorch's message about sparse gradients
    _capturable = CAPTURABLE
    _has_kinds = False

    def _numbers(self, group: dict[str, Any]) -> dict[str, Any]:
        """The run-time numbers by name."""
        found = {name: group[name] for name in self.numbers}
        if "betas" in group:
            found["beta1"], found["beta2"] = group["betas"]
        return found

    def _switches(self, group: dict[str, Any]) -> dict[str, Any]:
        """What chooses the program; hashable values."""
        found: dict[str, Any] = {name: bool(group[name]) for name in self.switches}
        found["decays"] = is_on(group.get("weight_decay", 0))
        return found

    def _names(self, group: dict[str, Any]) -> tuple[str, ...]:
        """The names of a parameter's state tensors."""
        raise NotImplementedError

    def _names_of(self, group: dict[str, Any], kind: Any) -> tuple[str, ...]:
        """The same, of a parameter of that kind."""
        return self._names(group)

    def _begin(self, group: dict[str, Any], param: Tensor) -> dict[str, Any]:
        """The state of a parameter that has not been updated yet."""
        raise NotImplementedError

    def _kind(self, group: dict[str, Any], param: Tensor) -> Any:
        """What sets a parameter apart within its group; its answer is the switch ``kind``."""
        return None

    @staticmethod
    def rule(h: Any) -> Any:
        """The chain, from a namespace of numbers, switches, and ``h.like`` (casts a number)."""
        raise NotImplementedError

    @_use_grad_for_differentiable
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One update of every parameter that has a gradient."""
        loss = self._closure_loss(closure)
        for group in self.param_groups:
            self._step_group(group)
        return loss

    def _step_group(self, group: dict[str, Any]) -> None:
        params, grads, sparse = [], [], []
        for p in group["params"]:
            grad = p.grad
            if grad is None:
                continue
            if grad._is_dense:
                params.append(p)
                grads.append(grad)
            else:
                sparse.append((p, grad))
        if sparse:
            self._step_sparse(group, sparse)
        if not params:
            return
        self._check_group(group, params, grads)
        if not self._has_kinds and len({p.device for p in params}) == 1:
            self._step_bucket(group, None, params, grads)
            return
        buckets: dict[Any, tuple[list[Tensor], list[Tensor]]] = {}
        for p, grad in zip(params, grads, strict=True):
            kind = self._kind(group, p)
            bucket = buckets.setdefault((p.device, kind), ([], []))
            bucket[0].append(p)
            bucket[1].append(grad)
        for (_, kind), (some, theirs) in buckets.items():
            self._step_bucket(group, kind, some, theirs)

    def _step_sparse(self, group: dict[str, Any], pairs: list[tuple[Tensor, Tensor]]) -> None:
        """The step of parameters that have a sparse gradient.

        Raises:
            RuntimeError: the optimizer has none.
        """
        raise RuntimeError(self._refuses_sparse)

    def _states(
        self, group: dict[str, Any], params: list[Tensor], names: tuple[str, ...]
    ) -> list[dict[str, Any]]:
        found = []
        for p in params:
            state = self.state[p]
            if state.get(names[-1]) is None:
                for name, value in self._begin(group, p).items():
                    if state.get(name) is None:
                        state[name] = value
            found.append(state)
        return found

    def _step_bucket(
        self, group: dict[str, Any], kind: Any, params: list[Tensor], grads: list[Tensor]
    ) -> None:
        names = self._names(group) if kind is None else self._names_of(group, kind)
        states = self._states(group, params, names) if names else []
        numbers = self._numbers(group)
        switches = self._switches(group)
        switches["kind"] = kind
        old = params + [state[name] for name in names for state in states]
        operands = [_operand(v) for v in numbers.values()]
        scale = getattr(self, "grad_scale", None)
        if scale is not None or getattr(self, "found_inf", None) is not None:
            operands += [_operand(1.0 if scale is None else scale), self.found_inf]
            switches["scaled"] = True
        statics = (self.rule, tuple(numbers), tuple(switches.items()), names, len(params))
        name = type(self).__name__
        if group.get("differentiable"):
            from .differentiable import step

            step(_apply, operands + grads, old, statics, name)
            return
        rebind_all(old, run_values(_apply, operands + grads + old, statics, name))

    def _check_group(
        self, group: dict[str, Any], params: list[Tensor], grads: list[Tensor]
    ) -> None:
        if group.get("capturable") and modes.capture is None:
            for p in params:
                if p.device.type not in self._capturable:
                    raise AssertionError(
                        "If capturable=True, params and state_steps must be on supported devices: "
                        f"{self._capturable}."
                    )
        if group.get("fused"):
            for p in params:
                if not (p.device.type in FUSED and p.is_floating_point()):
                    raise RuntimeError(
                        "`fused=True` requires all the params to be floating point Tensors of "
                        f"supported devices: {FUSED} but {p.dtype} and {p.device.type}"
                    )

    def _first_step(self, group: dict[str, Any], param: Tensor, value: float = 0.0) -> Tensor:
        """A 0-d tensor as PyTorch makes ``step``: on the CPU, unless it takes part in a graph."""
        hosted = not (group.get("capturable") or group.get("fused"))
        return T.full(
            (), value, dtype=_get_scalar_dtype(group.get("fused")),
            device="cpu" if hosted else param.device,
        )  # fmt: skip

    def _defaults_for_loading(self, **missing: Any) -> None:
        """Fills options that an older checkpoint lacks, and makes its plain numbers tensors."""
        for group in self.param_groups:
            for name, value in missing.items():
                group.setdefault(name, value)
            for p in group["params"]:
                state = self.state.get(p, {})
                for name in ("step", "mu_product", "eta", "mu"):
                    if name in state and not isinstance(state[name], Tensor):
                        state[name] = self._first_step(group, p, float(state[name]))


def zeros_like(param: Tensor) -> Tensor:
    return T.zeros_like(param.detach())


def _operand(value: Any) -> Any:
    if isinstance(value, Tensor):
        return _to_scalar(value)
    return float(value)


def is_on(number: Any) -> bool:
    """Whether a number changes anything; a tensor always may."""
    return isinstance(number, Tensor) or number != 0


def _apply(
    arrays: Sequence[Any],
    rule: Callable[[Any], Any],
    numbers: tuple[str, ...],
    switches: tuple[tuple[str, Any], ...],
    names: tuple[str, ...],
    count: int,
) -> tuple[Any, ...]:
    """numbers…, [scale, found_inf], grads…, params…, states by name… -> params…, states…"""
    given = zip(numbers, arrays, strict=False)
    knobs = {name: jnp.asarray(x).reshape(()).astype(jnp.float64) for name, x in given}
    at = len(numbers)
    inverse = found_inf = None
    if dict(switches).get("scaled"):
        inverse = 1.0 / jnp.asarray(arrays[at]).reshape(()).astype(jnp.float64)
        found_inf = jnp.asarray(arrays[at + 1]).reshape(()) != 0
        at += 2
    grads, old = arrays[at : at + count], arrays[at + count :]
    new: list[Any] = [None] * len(old)
    for i in range(count):
        state = [old[(k + 1) * count + i] for k in range(len(names))]
        grad = grads[i] if inverse is None else grads[i] * inverse.astype(grads[i].dtype)
        made = _apply_one(knobs, old[i], grad, state, rule, switches, names)
        for k, x in enumerate(made):
            at = k * count + i
            new[at] = x if found_inf is None else jnp.where(found_inf, old[at], x)
    return tuple(new)


@functools.partial(jax.jit, static_argnums=(4, 5, 6))  # so that equal shapes are traced once
def _apply_one(
    knobs: dict[str, Any],
    param: Any,
    grad: Any,
    state: Sequence[Any],
    rule: Callable[[Any], Any],
    switches: tuple[tuple[str, Any], ...],
    names: tuple[str, ...],
) -> list[Any]:
    """One parameter's update, in real numbers of at least 32 bits, as PyTorch's kernels compute."""
    h = SimpleNamespace(**knobs, **dict(switches))
    p, g = _widened(param), _widened(grad.astype(param.dtype))
    if getattr(h, "maximize", False):
        g = -g
    h.like = lambda number: number.astype(p.dtype)
    h.dtype, h.shape = param.dtype, param.shape
    chain = rule(h)
    paths, tree = jax.tree_util.tree_flatten_with_path(jax.eval_shape(chain.init, p))
    keys = [_state_name(path) for path, _ in paths]
    before = dict(zip(names, state, strict=True))
    wide = jax.tree_util.tree_unflatten(tree, [_widened(before[k]) for k in keys])
    updates, after = chain.update(g, wide, p)
    found = dict(zip(keys, jax.tree_util.tree_leaves(after), strict=True))
    kept = [_narrowed(found[k], x) if k in found else x for k, x in before.items()]
    return [_narrowed(p + updates, param), *kept]


def _state_name(path: tuple[Any, ...]) -> str:
    last = path[-1]
    name = getattr(last, "key", None) or getattr(last, "name", None) or str(last)
    return STATE_NAMES.get(name, name)


def _widened(x: Any) -> Any:
    if jnp.iscomplexobj(x):
        return jnp.stack([x.real, x.imag], axis=-1)
    return x.astype(jnp.float32) if x.dtype.itemsize < 4 else x


def _narrowed(x: Any, like: Any) -> Any:
    if jnp.iscomplexobj(like):
        return jax.lax.complex(x[..., 0], x[..., 1])
    return x.astype(like.dtype)


# ---- argument checks with PyTorch's words


def check_lr(lr: Any) -> None:
    """Raises ValueError unless ``lr`` is one number, zero or more."""
    if isinstance(lr, Tensor) and lr.numel() != 1:
        raise ValueError("Tensor lr must be 1-element")
    check_not_negative("learning rate", lr)


def check_not_negative(what: str, value: Any) -> None:
    if not value >= 0.0:
        raise ValueError(f"Invalid {what}: {value}")


def check_betas(betas: Sequence[Any]) -> None:
    for i in (0, 1):
        if not 0.0 <= betas[i] < 1.0:
            raise ValueError(f"Invalid beta parameter at index {i}: {betas[i]}")


def check_flags(fused: bool | None, foreach: bool | None, differentiable: bool) -> None:
    if fused:
        if differentiable:
            raise RuntimeError("`fused` does not support `differentiable`")
        if foreach:
            raise RuntimeError("`fused` and `foreach` cannot be `True` together.")
