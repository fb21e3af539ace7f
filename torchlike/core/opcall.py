"""``OpCall``: one op at one signature, with everything that follows from it.

The signature is the op, the static arguments, and an ``Aval`` (or number type) per operand. Output
shapes come from one abstract evaluation; executables and the gradient's own ``OpCall`` are made
when first needed. ``fn`` is pure and takes the operands flat.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.interpreters import partial_eval

from .device import cpu, device
from .dtypes import from_np
from .errors import NoGradient, OutOfMemoryError
from .lifting import flat, joint, lifted, only
from .platform import compiler_options
from .value import Aval, Value, aval, on_device

_NUMBER_NP = {bool: np.bool_, int: np.int64, float: np.float64, complex: np.complex128}
NUMBERS = frozenset(_NUMBER_NP)


class OpCall:
    """See the module's docstring. Compared and hashed by identity."""

    is_backward = False

    __slots__ = (
        "base", "constant", "device", "fn", "grads", "hot", "in_avals", "jitted", "keeps", "levels", "lifts",
        "moves", "name", "node_name", "nondiff", "options", "out_avals", "out_diff", "plans", "reach", "saves",
        "single", "traced", "views",
    )  # fmt: skip

    def __init__(
        self,
        name: str,
        fn: Callable[..., Any],
        in_avals: Sequence[Aval | type],
        *,
        options: str | None = None,
        saves: str | None = None,
        node_name: str = "",
        nondiff: bool | Sequence[int] = False,
        constant: tuple[bool, ...] | None = None,
        keeps: tuple[bool, ...] | None = None,
        reach: Callable[[], list[list[bool]]] | None = None,
    ) -> None:
        self.name = name
        self.base = self.fn = fn  # of one sample; ``fn`` is of all of them
        self.in_avals = tuple(in_avals)
        self.levels = joint(in_avals)
        if self.levels:
            self.fn = lifted(fn, in_avals, self.levels)
        self.lifts: dict[Any, OpCall] = {}  # the same at other levels, and its tangents
        self.options = options
        self.saves = saves
        self.node_name = node_name
        self.jitted: Any = None
        self.hot = 0
        self.grads: dict[Any, GradCall] = {}
        self.views: dict[
            Any, Any
        ] = {}  # for a view op: what its results are, by the source's layout
        self.plans: dict[tuple[bool, ...], Any] = {}  # how the tape keeps this call, by which operands need grad
        self.traced = any(type(a) is Aval and a.traced for a in in_avals)
        self.device, self.moves = _common_device(in_avals)
        out = jax.eval_shape(self.fn, *[_struct(a) for a in in_avals])
        self.single = not isinstance(out, (tuple, list))
        outs = [out] if self.single else out
        depth = len(self.levels)
        self.out_avals = tuple(
            aval(tuple(o.shape)[depth:], from_np(o.dtype), self.device, self.traced, self.levels)
            for o in outs
        )
        self.nondiff = nondiff
        self.constant = constant  # which operands never get a gradient
        self.keeps = keeps  # which operands the gradient depends on to autograd, if declared
        self.reach = reach  # of a gradient: tells which operands each result depends on
        never = nondiff if isinstance(nondiff, Sequence) else range(nondiff * len(self.out_avals))
        self.out_diff = tuple([a.inexact and i not in never for i, a in enumerate(self.out_avals)])

    def __repr__(self) -> str:
        return f"<OpCall {self.name} {self.in_avals} -> {self.out_avals}>"

    def run(self, operands: Sequence[Any]) -> Any:
        """Runs now, alone: a Value, or a list of them. Operands are Values and Python numbers."""
        arrays: list[Any] = []
        for v in operands:
            if type(v) is Value:
                array = v.array
                if array is None or type(array) is np.ndarray:
                    array = on_device(v)
                arrays.append(array)
            elif self.traced:
                # jax.jit would make an array of it; here the function gets what is passed
                arrays.append(np.asarray(v, _NUMBER_NP[type(v)]))
            else:
                arrays.append(v)
        for i in self.moves:
            arrays[i] = jax.device_put(np.asarray(arrays[i]), self.out_device)
        run = self.jitted
        if run is None:
            run = self.fn if self.traced else self._compile()
        try:
            results = run(*arrays)
        except jax.errors.JaxRuntimeError as error:
            raise runtime_error(error, self.name) from error
        avals = self.out_avals
        if self.single:
            return Value(avals[0], results)
        return [Value(a, r) for a, r in zip(avals, results, strict=True)]

    def requiring(self, needs: tuple[bool, ...]) -> tuple[bool, ...]:
        """Which results require grad, given which operands do.

        In PyTorch each gradient is a formula of its own, and requires grad if what it takes does.
        """
        if self.reach is None or sum(self.out_diff) < 2:
            return self.out_diff
        return tuple([
            diff and any(n and r for n, r in zip(needs, row, strict=True))
            for diff, row in zip(self.out_diff, self.reach(), strict=True)
        ])  # fmt: skip

    @property
    def parts(self) -> Sequence[OpCall]:
        """The calls that run when it runs by itself."""
        return (self,)

    def _compile(self) -> Any:
        self.jitted = jax.jit(self.fn, compiler_options=compiler_options((self.options,)))
        return self.jitted

    @property
    def out_device(self) -> Any:
        from .device import jax_device

        return jax_device(self.device)

    def gradient(self, needs: tuple[bool, ...], given: tuple[bool, ...]) -> GradCall:
        """The call that maps (inputs it uses, cotangents given) to cotangents of inputs needed."""
        key = (needs, given)
        found = self.grads.get(key)
        if found is None and self.levels:
            return self.lowered(()).gradient(needs, given)
        if found is None:
            found = self.grads[key] = GradCall(self, needs, given)
        return found

    def at(self, avals: tuple[Any, ...]) -> OpCall:
        """The same call of one sample, its operands mapped as these signatures say."""
        if avals == self.in_avals:
            return self
        found = self.lifts.get(avals)
        if found is None:
            found = self.lifts[avals] = self._like(self.base, avals)
        return found

    def lowered(self, numbers: tuple[int, ...]) -> OpCall:
        """The call of one sample, to which those levels are ordinary leading dims."""
        if not self.levels:
            return self
        found = self.lifts.get(numbers)
        if found is None:
            inner = [only(a, numbers) for a in self.in_avals]
            fn = lifted(self.base, inner, joint(inner))
            found = self._like(fn, tuple([flat(a, numbers) for a in inner]))
            self.lifts[numbers] = found
        return found

    def _like(self, fn: Callable[..., Any], avals: tuple[Any, ...]) -> OpCall:
        return OpCall(
            self.name, fn, avals, options=self.options, saves=self.saves, node_name=self.node_name,
            nondiff=self.nondiff, constant=self.constant, keeps=self.keeps, reach=self.reach,
        )  # fmt: skip


def runtime_error(error: Exception, name: str) -> Exception:
    """XLA's failure in words that name the op."""
    text = str(error)
    kind = (
        OutOfMemoryError
        if "RESOURCE_EXHAUSTED" in text or "Out of memory" in text
        else RuntimeError
    )
    return kind(f"{name}: {text}")


def _struct(a: Aval | type) -> jax.ShapeDtypeStruct:
    if type(a) is Aval:
        return a.struct
    return jax.ShapeDtypeStruct((), _NUMBER_NP[a])  # type: ignore[index]


def _common_device(avals: Sequence[Aval | type]) -> tuple[device, tuple[int, ...]]:
    """The device of the operands, and which 0-d CPU operands have to be moved there.

    Raises:
        RuntimeError: operands are on several devices.
    """
    tensors = [a for a in avals if type(a) is Aval]
    devices = {a.device for a in tensors if a.ndim} or {a.device for a in tensors}
    if len(devices) > 1:
        on = list(dict.fromkeys(str(a.device) for a in tensors if a.ndim or a.device is not cpu))
        raise RuntimeError(
            "Expected all tensors to be on the same device, but found at least two devices, "
            f"{on[0]} and {on[1]}!"
        )
    found = devices.pop() if devices else cpu
    moves = []
    for i, a in enumerate(avals):
        if type(a) is Aval and a.device is not found:
            if a.device is not cpu:
                raise RuntimeError(
                    "Expected all tensors to be on the same device, but found at least two devices, "
                    f"{found} and {a.device}!"
                )
            moves.append(i)
    return found, tuple(moves)


class GradCall:
    """The vjp of a call as a call of its own: double backward and fusion follow.

    ``used`` says which inputs the gradient really depends on; only those are kept for backward.
    """

    __slots__ = ("call", "refusal", "used")

    def __init__(self, forward: OpCall, needs: tuple[bool, ...], given: tuple[bool, ...]) -> None:
        structs = [_struct(a) for a in forward.in_avals]
        wanted = [i for i, need in enumerate(needs) if need]
        cts = [a.struct for a, g in zip(forward.out_avals, given, strict=True) if g]
        full = _vjp(forward, wanted, given)
        count = len(structs)
        samples = _filled(forward, given, structs, cts)
        try:
            found = _live(jax.make_jaxpr(full)(*samples).jaxpr, range(len(wanted)))
        except NoGradient as refusal:
            self.refusal, self.used = refusal, (False,) * count
            return
        declared, keeps = forward.keeps is not None, forward.keeps or (False,) * count
        used = self.used = tuple([found[i] or (keeps[i] and needs[i]) for i in range(count)])
        kept = [i for i in range(count) if used[i]]

        def fn(*operands: Any) -> Any:
            inputs: list[Any] = [None] * count
            for i, x in zip(kept, operands, strict=False):
                inputs[i] = x
            for i in range(count):
                if inputs[i] is None:
                    inputs[i] = jnp.zeros(structs[i].shape, structs[i].dtype)
            return full(inputs, operands[len(kept) :])

        def reach() -> list[list[bool]]:
            jaxpr = jax.make_jaxpr(full)(*samples).jaxpr
            rows = [_live(jaxpr, [k]) for k in range(len(wanted))]
            return [[declared or row[i] for i in kept] + row[count:] for row in rows]

        in_avals = [forward.in_avals[i] for i in kept]
        in_avals += [a for a, g in zip(forward.out_avals, given, strict=True) if g]
        self.call = OpCall(
            forward.node_name.removesuffix("0") + "Backward" if forward.node_name else forward.name,
            fn, in_avals, options=forward.options, node_name=f"{forward.node_name}Backward0",
            constant=tuple([not keeps[i] for i in kept] + [False] * len(cts)) if declared else None,
            reach=reach,
        )  # fmt: skip

    def __getattr__(self, name: str) -> Any:
        """Only ``call`` can be missing, and then it is asked for by a backward."""
        raise NoGradient(*self.refusal.args)


def _vjp(forward: OpCall, wanted: list[int], given: tuple[bool, ...]) -> Callable[..., Any]:
    """``full(inputs, cotangents) -> tuple of input cotangents``, in PyTorch's complex convention."""

    def full(inputs: Sequence[Any], cotangents: Sequence[Any]) -> Any:
        def of_wanted(*xs: Any) -> Any:
            args = list(inputs)
            for i, x in zip(wanted, xs, strict=True):
                args[i] = x
            out = forward.fn(*args)
            outs = (out,) if forward.single else tuple(out)
            # the others are left out: a cotangent of zeros would give NaN against an inf
            return tuple(o for o, g in zip(outs, given, strict=True) if g)

        _, pull = jax.vjp(of_wanted, *[inputs[i] for i in wanted])
        cts = [jnp.conj(ct) if jnp.iscomplexobj(ct) else ct for ct in cotangents]
        grads = pull(tuple(cts))
        return tuple(jnp.conj(g) if jnp.iscomplexobj(g) else g for g in grads)

    return full


def _live(jaxpr: Any, results: Sequence[int]) -> list[bool]:
    """Which inputs and cotangents those results use."""
    return partial_eval.dce_jaxpr(jaxpr, [k in results for k in range(len(jaxpr.outvars))])[1]


def _filled(
    forward: OpCall, given: tuple[bool, ...], structs: list[Any], cts: list[Any]
) -> tuple[list[Any], list[Any]]:
    """What to trace with: of empty operands JAX leaves out what computes nothing, so they get two
    elements along each empty dim, if the op takes that."""
    if all(0 not in s.shape for s in structs):
        return structs, cts
    fuller = [jax.ShapeDtypeStruct(tuple(n or 2 for n in s.shape), s.dtype) for s in structs]
    try:
        out = jax.eval_shape(forward.fn, *fuller)
    except Exception:  # its static arguments say otherwise
        return structs, cts
    outs = [out] if forward.single else out
    return fuller, [o for o, g in zip(outs, given, strict=True) if g]
