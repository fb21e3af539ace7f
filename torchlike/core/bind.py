"""Spreads ``OPS`` over namespaces, methods and operators.

Each op gets one Python function with PyTorch's signature, generated as source text: Python itself
then binds the arguments, which is what keeps a recorded call at a few microseconds.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np

from . import write as writer
from .autocast import call_view_cast, paused
from .build import from_numpy
from .dispatch import BOUND, call, invoke
from .errors import SparseOperand
from .generated import Generated
from .host import call_checked, call_fill, call_host, call_prepared
from .opcall import NUMBERS
from .out_rules import SUMS, created_dtype, summed_dtype
from .registry import ARRAY, ARRAYS, EMPTY, OPS, STATIC, OpDef, Param
from .signature import DEFAULT
from .tensor import SPARSE, SUBCLASSES, Tensor
from .viewing import call_view

SPACES: dict[str, dict[str, Any]] = {
    "torch": {}, "functional": {}, "linalg": {}, "fft": {}, "special": {}, "signal": {}, "nested": {},
}  # fmt: skip
_NUMPY_NAMES = {"axis": "dim", "axes": "dim", "keepdims": "keepdim", "x": "input", "a": "input", "x1": "input",
                "x2": "other"}  # fmt: skip
_REFLECTED = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or", "xor",
              "lshift", "rshift")  # fmt: skip


def bind(op: OpDef) -> Callable[..., Any]:
    """The public function of an op."""
    public = [p for p in op.params if not p.name.startswith("_")]
    scope: dict[str, Any] = {"_op": op, "_call": call, "_prepared": call_prepared, "_host": call_host,
                             "_view": call_view if op.autocast is None else call_view_cast,
                             "_D": DEFAULT, "_W": writer, "_again": _again,
                             "_bound": BOUND, "_tuple": _varargs, "_fill": call_fill, "_checked": call_checked,
                             "_created": created_dtype, "_summed": summed_dtype,
                             "_taken": _taken, "_retry": _retry, "_named": _named,
                             "_SparseOperand": SparseOperand, "_sparse": _sparse, "_paused": paused,
                             "_compose": _composed}  # fmt: skip
    for p in public:
        scope[f"_d_{p.name}"] = p.default
    scope["_key"], scope["_name"] = op.fn.__name__, op.name
    text = "\n".join([f"def call({_signature(op, public)}):", *_guarded(op, public)])
    code = _CODES.function(text).replace(co_name=op.name, co_qualname=op.name)
    fn: Any = FunctionType(code, scope, op.name)
    fn.__defaults__ = tuple([p.default for p in _positional(op, public) if p.default is not EMPTY])
    fn.__kwdefaults__ = {"out": None} | {
        p.name: p.default
        for p in public
        if p.default is not EMPTY and p not in _positional(op, public)
    }
    if op.resolve is not None:
        fn = _resolving(op, fn)
    fn.__doc__ = op.fn.__doc__
    fn.__module__ = "torch"
    fn.__qualname__ = fn.__name__ = op.name
    fn.__wrapped_op__ = op
    BOUND[op.fn.__name__] = fn
    return fn


def _resolving(op: OpDef, own: Callable[..., Any]) -> Callable[..., Any]:
    """The function of an op with several overloads: ``resolve`` picks the op that is meant."""
    resolve = op.resolve
    assert resolve is not None
    key = op.fn.__name__
    names = {p.name for p in op.params}

    def overloaded(*args: Any, **kwargs: Any) -> Any:
        out = kwargs.pop("out", None)
        for numpy_name in ("axis", "keepdims"):
            if numpy_name in kwargs and numpy_name not in names:
                kwargs[_NUMPY_NAMES[numpy_name]] = kwargs.pop(numpy_name)
        try:
            chosen, args, kwargs = resolve(args, kwargs)
        except (TypeError, AttributeError):
            if not SUBCLASSES[1](args):
                raise
            return BOUND[key](*args, **kwargs)
        if chosen == key and op.out and out is not None:
            return own(*args, out=out, **kwargs)
        function = own if chosen == key else BOUND[chosen]
        if out is None:
            return function(*args, **kwargs)
        with paused():
            found = function(*args, **kwargs)
            return writer.to_out(out, found, op.name, (*args, *kwargs.values()), chosen)

    return overloaded


_CODES = Generated(__file__)


def _positional(op: OpDef, public: list[Param]) -> list[Param]:
    """The parameters before the star."""
    found = []
    for p in public:
        if p.keyword_only or p.name == op.varargs:
            break
        found.append(p)
    return found


def _signature(op: OpDef, public: list[Param]) -> str:
    parts: list[str] = []
    starred = False
    for p in public:
        if p.name == op.varargs:
            parts.append("*_varargs")
            starred = True
            continue
        if p.keyword_only and not starred:
            parts.append("*")
            starred = True
        parts.append(p.name if p.default is EMPTY or starred else f"{p.name}=0")
    if op.out:
        if not starred:
            parts.append("*")
        parts.append("out=None")
    parts.append("**_extra")
    return ", ".join(parts)


def _guarded(op: OpDef, public: list[Param]) -> list[str]:
    """The body, and what happens when it meets a sparse tensor, or what only acts as a tensor."""
    given = ", ".join(f"{p.name!r}: {p.name}" for p in public)
    out = "out" if op.out else "None"
    return [
        " try:",
        *[f"  {line}" for line in _body(op, public)],
        " except (TypeError, AttributeError) as _error:",
        f"  if not _taken({{{given}}}): raise _named(_op, {{{given}}}, _error)",
        f"  return _retry(_op, {{{given}}})",
        " except _SparseOperand: pass",
        f" return _sparse(_op, {{{given}}}, {out}, _extra)",
    ]


def _sparse(op: OpDef, given: dict[str, Any], out: Any, extra: dict[str, Any]) -> Any:
    return SPARSE["call"](op, given, out, extra)


def _composed(op: OpDef, given: dict[str, Any]) -> Any:
    """What ``op.composed`` makes of ordinary tensors; NotImplemented if the op has to run."""
    for p in op.params:
        if p.kind in (ARRAY, ARRAYS) and p.name in given:
            x = given[p.name]
            for e in x if isinstance(x, (list, tuple)) else (x,):
                if not (isinstance(e, Tensor) and e._is_dense):
                    return NotImplemented
    assert op.composed is not None
    return op.composed(invoke, given)


def _taken(given: dict[str, Any]) -> bool:
    """Whether one of the arguments is of a class that takes calls over, see ``overrides``."""
    objects: list[Any] = []
    for x in given.values():
        objects.extend(x if isinstance(x, (list, tuple)) else (x,))
    return SUBCLASSES[1](objects)


def _named(op: OpDef, given: dict[str, Any], error: Exception) -> Exception:
    """The error, or one that names the argument that should have been an int."""
    if str(error).startswith(op.name):
        return error
    for position, p in enumerate((p for p in op.params if p.name in given), 1):
        value = given[p.name]
        if p.annotation not in ("int", "int | None") or hasattr(value, "__index__") or value is None:
            continue
        kind = type(value).__name__
        found = TypeError(
            f"{op.name}(): argument '{p.name}' (position {position}) must be int, not {kind}"
        )
        found.__suppress_context__ = True
        return found
    return error


def _retry(op: OpDef, given: dict[str, Any]) -> Any:
    """The call again, with the arguments that are not at their defaults."""
    public = [p for p in op.params if p.name in given]
    named = {p.name: given[p.name] for p in public if given[p.name] is not p.default}
    args: list[Any] = []
    for p in public:
        if p.keyword_only or p.name not in named:
            break
        args.append(named.pop(p.name))
    return BOUND[op.fn.__name__](*args, **named)


def _own(fn: Any, name: str) -> FunctionType:
    """The same function as an object of its own: ``torch.Tensor.add`` is not ``torch.add``."""
    made = FunctionType(fn.__code__, fn.__globals__, name, fn.__defaults__, fn.__closure__)
    made.__kwdefaults__ = fn.__kwdefaults__
    made.__dict__.update(fn.__dict__)
    made.__module__, made.__doc__ = fn.__module__, fn.__doc__
    return made


def _body(op: OpDef, public: list[Param]) -> list[str]:
    lines: list[str] = []
    names = [p.name for p in public]
    if op.varargs:
        lines.append(
            f"{op.varargs} = _tuple(_varargs, _extra, {op.varargs!r}, _d_{op.varargs}, _op)"
        )
    given = ", ".join(f"{n!r}: {n}" for n in names)
    if not op.host:
        outs = ", 'out': out" if op.out else ""
        lines.append(f"if _extra: return _again(_op, {{{given}{outs}}}, _extra)")
    if op.composed is not None:
        lines.append(f"_made = _compose(_op, {{{given}}}){' if out is None else NotImplemented' if op.out else ''}")
        lines.append("if _made is not NotImplemented: return _made")
    if op.out and "dtype" in names and (op.creation or op.fn.__name__ in SUMS):
        made = "_created(" if op.creation else "_summed(_key, "
        more = "" if op.creation else f", {names[0]}.dtype"
        lines.append(f"if out is not None: dtype = {made}dtype, out.dtype{more})")
    if "inplace" in names:
        rest = ", ".join(f"{n}={n}" for n in names[1:] if n != "inplace")
        lines.append(f"if inplace: return _W.inplace(_bound[_key], {names[0]}, {rest})")
    result = _result(op, public, given)
    if op.out:
        paused = "" if op.autocast is None else "with _paused(): "
        seen = "".join(f"{p.name}, " for p in public if p.kind != STATIC)
        lines.append(f"if out is not None:\n   {paused}return _W.to_out(out, {result}, _name, ({seen}), _key)")
    lines.append(f"return {result}")
    return lines


def _result(op: OpDef, public: list[Param], given: str) -> str:
    if op.fill:
        return f"_fill(_op, {public[0].name}, {{{given}}})"
    if op.host:
        return f"_host(_op, {{{given}}}, _extra)"
    if op.prepare is not None:
        return f"_prepared(_op, {{{given}}})"
    operands = "".join(f"{_operand(p)}, " for p in op.params if p.kind != STATIC)
    statics = "".join(
        f"{p.name if p.name != 'inplace' else False}, " for p in op.params if p.kind == STATIC
    )
    if op.check is not None:
        return f"_checked(_op, ({operands}), ({statics}), {{{given}}})"
    function = "_call" if op.layout is None else "_view"
    return f"{function}(_op, ({operands}), ({statics}))"


def _operand(p: Param) -> str:
    if p.default is EMPTY or p.default is None:
        return p.name
    return f"(_D if {p.name} is _d_{p.name} else {p.name})"


def _varargs(
    given: tuple[Any, ...], extra: dict[str, Any], name: str, default: Any, op: OpDef
) -> Any:
    """``f(x, 1, 2)``, ``f(x, (1, 2))`` and ``f(x, dims=(1, 2))`` are one call."""
    if name in extra:
        return extra.pop(name)
    if not given:
        if default is EMPTY:
            return ()
        return default
    if len(given) == 1 and (isinstance(given[0], (tuple, list)) or given[0] is None):
        return given[0]
    if len(given) == 1 and "int | " in next(p.annotation for p in op.params if p.name == name):
        return given[0]
    return given


def _again(op: OpDef, given: dict[str, Any], extra: dict[str, Any]) -> Any:
    """NumPy's spellings of parameters, which PyTorch takes too."""
    names = {p.name for p in op.params}
    for k, v in extra.items():
        target = _NUMPY_NAMES.get(k)
        if target not in names:
            raise TypeError(f"{op.name}() got an unexpected keyword argument '{k}'")
        given[target] = v  # type: ignore[index]
    return BOUND[op.fn.__name__](**given)


def _inplace_twin(op: OpDef, fn: Callable[..., Any]) -> Callable[..., Any]:
    name = f"{op.name}_"
    if op.layout is not None:

        def twin(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
            if not self._is_dense:
                return SPARSE["inplace"](op, self, args, kwargs)
            return writer.become_view(self, fn(self, *args, **kwargs))
    else:
        inplace = writer.inplace if op.autocast is None else _uncast(writer.inplace)

        def twin(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
            try:
                return inplace(fn, self, *args, **kwargs)
            except SparseOperand:
                pass
            return SPARSE["inplace"](op, self, args, kwargs)

    twin.__name__ = twin.__qualname__ = name
    twin.__doc__ = f"In-place ``{op.name}``."
    twin.__module__ = "torch"
    return twin


def _uncast(inplace: Callable[..., Any]) -> Callable[..., Any]:
    """Autocast leaves the precision of in-place calls alone."""

    def uncast(*args: Any, **kwargs: Any) -> Any:
        with paused():
            return inplace(*args, **kwargs)

    return uncast


def _operators(op: OpDef, fn: Callable[..., Any], twin: Callable[..., Any] | None) -> None:
    """Sets ``__add__``, ``__radd__`` and ``__iadd__``, or ``__neg__``."""
    name = op.dunder
    assert name is not None
    if len([p for p in op.params if p.kind != STATIC and p.default is EMPTY]) == 1:
        setattr(Tensor, f"__{name}__", lambda self: fn(self))
        return
    if name == "matmul":  # the only one that takes no numbers
        fn = _of_tensors(fn)
    forward = _with_operand(fn)
    if name != "matmul" and op.resolve is None and op.prepare is None and op.check is None:
        forward = _fast_operator(op, forward)
    setattr(Tensor, f"__{name}__", forward)
    if name not in _REFLECTED:
        return
    setattr(Tensor, f"__r{name}__", _with_operand(lambda self, other: fn(other, self)))
    if name == "truediv":  # Python 2's spelling, which PyTorch keeps
        Tensor.__rdiv__ = Tensor.__rtruediv__  # type: ignore[attr-defined]
        Tensor.__div__ = Tensor.__truediv__  # type: ignore[attr-defined]
    if twin is not None:
        setattr(Tensor, f"__i{name}__", _with_operand(twin))


def _of_tensors(fn: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def operator_of(a: Any, b: Any) -> Any:
        return fn(a, b) if isinstance(a, Tensor) and isinstance(b, Tensor) else NotImplemented

    return operator_of


def _with_operand(fn: Callable[[Any, Any], Any]) -> Callable[[Tensor, Any], Any]:
    """``fn`` for what can be an operand; NotImplemented for what can't."""

    def operator_of(self: Tensor, other: Any) -> Any:
        if not isinstance(other, Tensor) and type(other) not in NUMBERS:
            other = _operand_like(other)
            if other is NotImplemented:
                return NotImplemented
        return fn(self, other)

    return operator_of


def _fast_operator(op: OpDef, slow: Callable[..., Any]) -> Callable[..., Any]:
    """The operator without the function's argument handling, for tensors and numbers."""
    tail = tuple([DEFAULT if p.default is not None else None for p in op.array_params[2:]])
    statics = tuple([p.default for p in op.static_params])

    def forward(self: Tensor, other: Any) -> Any:
        if isinstance(other, Tensor) or type(other) in NUMBERS:
            try:
                return call(op, (self, other, *tail), statics)
            except SparseOperand:
                pass
        return slow(self, other)

    return forward


def _operand_like(x: Any) -> Any:
    if isinstance(x, np.generic):
        return x.item()
    if isinstance(x, np.ndarray):
        return from_numpy(x)
    if isinstance(x, bool):
        return bool(x)
    if isinstance(x, (int, float)):
        return operator.index(x) if isinstance(x, int) else float(x)
    return x if SUBCLASSES[1]((x,)) else NotImplemented


def bind_all() -> None:
    """Binds every declared op. Called once, after all chapters were imported."""
    for op in OPS.values():
        fn = bind(op)
        twin = _inplace_twin(op, fn) if op.inplace else None
        names = [(n, op.namespaces, op.method) for n in (op.name,)]
        for alias in op.aliases:
            if "." in alias:
                space, _, short = alias.rpartition(".")
                if space == "Tensor":
                    names.append((short, (), True))
                else:
                    names.append((short, (space,), False))
            else:
                names.append((alias, op.namespaces, op.method))
        for name, spaces, method in names:
            for space in spaces:
                SPACES[space][name] = _own(fn, name)
                if twin is not None:
                    SPACES[space].setdefault(f"{name}_", _own(twin, f"{name}_"))
            if method or (op.fill and name == op.name):
                setattr(Tensor, name, _own(fn, name))
            if twin is not None and (method or "functional" not in spaces):
                setattr(Tensor, f"{name}_", _own(twin, f"{name}_"))
        if op.dunder is not None:
            _operators(op, fn, twin)
    _CODES.save()
