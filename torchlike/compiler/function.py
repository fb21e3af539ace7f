"""``torch.compile``: a function whose calls are captured once and replayed as programs."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ..core.capture import Capture
from ..core.errors import GraphBreak, missing
from ..core.modes import modes
from ..core.tensor import Tensor
from . import state
from .escapes import NotReplayable
from .guards import argument_key, environment, fingerprint, optimizers_of
from .program import UNFIT, Program, flatten

MODES = ("default", "reduce-overhead", "max-autotune", "max-autotune-no-cudagraphs")
BACKENDS = ("inductor", "eager", "aot_eager", "cudagraphs", "openxla", "tvm", "onnxrt", "ipex")
RECOMPILE_LIMIT = 8
VARIANTS = 4  # of one key: with and without gradients to add to, for example


class Compiled:
    """The captured programs of one function, by guard."""

    def __init__(self, fn: Callable[..., Any], fullgraph: bool, name: str) -> None:
        self.fn = fn
        self.fullgraph = fullgraph
        self.name = name
        self.programs: dict[Any, list[Program] | None] = {}
        self.unsettled = 0  # captures that changed the Python state they depend on
        self.warned = False
        state.COMPILED.add(self)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if state.is_disabled() or modes.capture is not None:
            return self.fn(*args, **kwargs)
        leaves, tree = flatten((args, kwargs))
        tensors = [x for x in leaves if isinstance(x, Tensor)]
        if any(not t._is_dense or t._v.aval.traced for t in tensors):
            return self.fn(*args, **kwargs)
        try:
            key = (tree, argument_key(leaves), environment(), fingerprint(self.fn))
            known = key in self.programs
        except TypeError:
            return self.fn(*args, **kwargs)
        if known:
            variants = self.programs[key]
            if variants is None:
                return self.fn(*args, **kwargs)
            for program in variants:
                result = program.run(tensors)
                if result is not UNFIT:
                    return result
        elif len(self.programs) >= RECOMPILE_LIMIT:
            if not self.warned:
                self.warned = True
                state.warn_limit(self.name, RECOMPILE_LIMIT)
            return self.fn(*args, **kwargs)
        return self._capture(key, tensors, args, kwargs)

    def _capture(self, key: Any, tensors: list[Tensor], args: Any, kwargs: Any) -> Any:
        capture = Capture(self.name, self.fullgraph)
        given = [t._v for t in tensors]
        with capture:
            result = self.fn(*args, **kwargs)
        variants = self.programs.get(key) or []
        self.programs[key] = None
        if capture.broken is not None:
            return result
        try:
            if fingerprint(self.fn) != key[3]:
                self.unsettled += 1
                if self.unsettled == 1:  # a first call often makes buffers that later ones find
                    return result
                raise NotReplayable("it changes Python state that it depends on")
            program = Program(capture, tensors, given, result, optimizers_of(self.fn))
            self.programs[key] = [program, *variants[: VARIANTS - 1]]
        except (NotReplayable, GraphBreak) as why:
            state.warn_eager(self.name, str(why), self.fullgraph)
        state.count()
        return result

    def reset(self) -> None:
        self.programs.clear()


def compile(
    model: Any = None, *, fullgraph: bool = False, dynamic: bool | None = None, backend: Any = "inductor",
    mode: str | None = None, options: dict[str, Any] | None = None, disable: bool = False,
) -> Any:  # fmt: skip
    """A function or module whose calls run as compiled programs.

    Every backend and mode means XLA; ``dynamic`` is accepted, each shape gets a program of its own.

    Raises:
        RuntimeError: an unknown mode, or mode and options together.

    Differs: numbers are not checked inside a compiled program (an index out of range clamps); a function
    that looks at numbers half-way stays eager as a whole for those inputs; a replay runs no Python, so a
    ``print`` inside shows up once.
    """
    if model is None:
        return functools.partial(
            compile,
            fullgraph=fullgraph,
            dynamic=dynamic,
            backend=backend,
            mode=mode,
            options=options,
            disable=disable,
        )
    _check_options(backend, mode, options)
    if disable:
        return model
    from ..nn.module import Module

    if isinstance(model, Module):
        from .module import OptimizedModule

        return OptimizedModule(model, fullgraph)
    if not callable(model):
        raise RuntimeError("torch.compile expects a callable")
    return _wrapped(model, fullgraph)


def _check_options(backend: Any, mode: str | None, options: Any) -> None:
    if mode is not None and options is not None:
        raise RuntimeError(
            "Either mode or options can be specified, but both can't be specified at the same time."
        )
    if mode is not None and mode not in MODES:
        raise RuntimeError(f"Unrecognized mode={mode}, should be one of: {', '.join(MODES)}")
    if callable(backend):
        raise missing(
            "torch.compile(backend=<callable>)",
            "there is no FX graph to hand over; leave backend out",
        )
    if backend not in BACKENDS:
        from .state import InvalidBackend

        raise InvalidBackend(
            f"Invalid backend: {backend!r}, see `torch._dynamo.list_backends()` for available backends."
        )


def _wrapped(fn: Callable[..., Any], fullgraph: bool) -> Callable[..., Any]:
    compiled = Compiled(fn, fullgraph, getattr(fn, "__qualname__", type(fn).__name__))

    @functools.wraps(fn, updated=())
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return compiled(*args, **kwargs)

    wrapper._torchdynamo_orig_callable = fn  # type: ignore[attr-defined]
    wrapper.__get__ = lambda self, kind=None: functools.partial(wrapper, self)  # type: ignore[attr-defined]
    return wrapper
