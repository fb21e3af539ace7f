"""``torch.utils.checkpoint``: activations are computed again in backward instead of being kept."""

from __future__ import annotations

import contextlib
import enum
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from ..autograd.function import Function
from ..autograd.graph import saved_tensors_hooks
from ..core import backward
from ..core.errors import missing
from ..core.modes import enable_grad, modes, no_grad
from ..core.recompute import Region, held_back, run_pending
from ..core.tensor import Tensor
from ..nn.modules.container import Sequential
from .checkpoint_frame import CHECKS, CheckpointError, Frame, GraphExecGroup, Log, options
from .checkpoint_state import (
    DefaultDeviceType,
    Surroundings,
    get_device_states,
    set_device_states,
)

__all__ = [
    "CheckpointError", "CheckpointFunction", "CheckpointPolicy", "DefaultDeviceType", "GraphExecGroup",
    "SAC_IGNORED_OPS", "SelectiveCheckpointContext", "check_backward_validity", "checkpoint",
    "checkpoint_sequential", "create_selective_checkpoint_contexts", "detach_variable",
    "get_device_states", "noop_context_fn", "set_checkpoint_debug_enabled",
    "set_checkpoint_early_stop", "set_device_states",
]  # fmt: skip

SAC_IGNORED_OPS: set[Any] = set()


@contextlib.contextmanager
def _option(name: str, value: Any) -> Iterator[None]:
    before = getattr(options, name)
    setattr(options, name, value)
    try:
        yield
    finally:
        setattr(options, name, before)


def set_checkpoint_debug_enabled(enabled: bool | None) -> Any:
    """Overrides ``debug`` of the calls inside; None leaves it to them."""
    return _option("debug", enabled)


def set_checkpoint_early_stop(enable: bool) -> Any:
    """Overrides ``early_stop`` of the calls inside."""
    return _option("early_stop", enable)


def noop_context_fn() -> tuple[Any, Any]:
    """Two contexts that do nothing."""
    return contextlib.nullcontext(), contextlib.nullcontext()


def detach_variable(inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """Leaves with the same numbers.

    Raises:
        RuntimeError: no tuple.
    """
    if not isinstance(inputs, tuple):
        raise RuntimeError(
            f"Only tuple of tensors is supported. Got Unsupported input type: {type(inputs).__name__}"
        )
    return tuple(
        x.detach().requires_grad_(x.requires_grad) if isinstance(x, Tensor) else x for x in inputs
    )


def check_backward_validity(inputs: Any) -> None:
    """Warns if none of the inputs requires grad."""
    if not any(x.requires_grad for x in inputs if isinstance(x, Tensor)):
        warnings.warn(
            "None of the inputs have requires_grad=True. Gradients will be None",
            UserWarning,
            stacklevel=2,
        )


# --- the reentrant form --------------------------------------------------------------------------


class CheckpointFunction(Function):
    """``use_reentrant=True``: backward calls the function again and runs a backward of its own."""

    @staticmethod
    def forward(ctx: Any, run_function: Any, preserve_rng_state: bool, *args: Any) -> Any:
        check_backward_validity(args)
        ctx.run_function = run_function
        ctx.surroundings = Surroundings(preserve_rng_state, args)
        ctx.inputs = [None if isinstance(x, Tensor) else x for x in args]
        ctx.tensor_indices = [i for i, x in enumerate(args) if isinstance(x, Tensor)]
        ctx.save_for_backward(*[args[i] for i in ctx.tensor_indices])
        run_pending()
        with no_grad():
            return run_function(*args)

    @staticmethod
    def backward(ctx: Any, *args: Any) -> Any:
        if not backward.is_checkpoint_valid():
            raise RuntimeError(
                "When use_reentrant=True, torch.utils.checkpoint is incompatible"
                " with .grad() or passing an `inputs` parameter to .backward()."
                " To resolve this error, you can either set use_reentrant=False,"
                " or call .backward() without passing the `inputs` argument."
            )
        inputs = list(ctx.inputs)
        saved = ctx.saved_tensors
        for i, t, again in zip(ctx.tensor_indices, saved, held_back(saved), strict=True):
            inputs[i] = again.requires_grad_(t.requires_grad)
        with ctx.surroundings.restored(), enable_grad():
            outputs = ctx.run_function(*inputs)
        outputs = (outputs,) if isinstance(outputs, Tensor) else outputs
        pairs = [
            (o, g)
            for o, g in zip(outputs, args, strict=False)
            if isinstance(o, Tensor) and o.requires_grad
        ]
        if not pairs:
            raise RuntimeError(
                "none of output has requires_grad=True, this checkpoint() is not necessary"
            )
        backward.run_backward(
            [o for o, _ in pairs], [g for _, g in pairs], retain_graph=False, create_graph=False
        )
        return None, None, *[x.grad if isinstance(x, Tensor) else None for x in inputs]


# --- checkpoint ------------------------------------------------------------------------------------


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    context_fn: Callable[[], tuple[Any, Any]] = noop_context_fn,
    determinism_check: str = "default",
    debug: bool = False,
    early_stop: bool = True,
    **kwargs: Any,
) -> Any:
    """``function(*args)``, which backward calls again for what it needs.

    Differs: inside ``torch.compile`` the second computation is the recorded program, so it calls no
    Python and draws no random numbers again.
    Raises:
        ValueError: arguments that the chosen form does not take. CheckpointError: in backward.
    """
    if use_reentrant is None:
        warnings.warn(
            "torch.utils.checkpoint: the use_reentrant parameter should be "
            "passed explicitly. Starting in PyTorch 2.9, calling checkpoint "
            "without use_reentrant will raise an exception. use_reentrant=False is "
            "recommended, but if you need to preserve the current default "
            "behavior, you can pass use_reentrant=True. Refer to docs for more "
            "details on the differences between the two variants.",
            UserWarning,
            stacklevel=2,
        )
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if use_reentrant:
        if kwargs:
            raise ValueError(f"Unexpected keyword arguments: {','.join(kwargs)}")
        if context_fn is not noop_context_fn or debug is not False:
            raise ValueError(
                "Passing `context_fn` or `debug` is only supported when use_reentrant=False."
            )
        if modes.capture is not None:
            return _captured(function, args, kwargs)
        return CheckpointFunction.apply(function, preserve, *args)
    if determinism_check not in CHECKS:
        raise ValueError(
            f"determinism_check should be one of {list(CHECKS)}, but got {determinism_check}"
        )
    log = None
    if debug if options.debug is None else options.debug:
        if context_fn is not noop_context_fn:
            raise ValueError("debug=True is incompatible with non-default context_fn")
        log = Log()
        context_fn = log.contexts
    if modes.capture is not None:
        with context_fn()[0]:
            return _captured(function, args, kwargs)
    stops = early_stop if options.early_stop is None else options.early_stop
    facts = CHECKS[determinism_check]
    return _checkpointed(function, args, kwargs, preserve, context_fn(), stops, facts, log)


def _checkpointed(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], preserve: bool,
    contexts: tuple[Any, Any], early_stop: bool, facts: Any, log: Log | None,
) -> Any:  # fmt: skip
    if not modes.grad:
        return function(*args, **kwargs)
    run_pending()
    surroundings = Surroundings(preserve, args)
    first, second = contexts

    def recompute(*args: Any) -> None:
        with surroundings.restored(), second:
            function(*args, **kwargs)

    frame = Frame(recompute, early_stop, facts, args)
    unpack = frame.unpack if log is None else log.explaining(frame.unpack)
    result, is_done = None, False
    with saved_tensors_hooks(frame.pack, unpack), first:
        result = function(*args, **kwargs)
        is_done = True
    if not is_done:
        raise RuntimeError(
            "torch.utils.checkpoint: the forward context provided by "
            "context_fn suppressed an exception raised during the "
            "checkpointed forward. This is not supported because "
            "checkpoint cannot return a value for a failed forward."
        )
    frame.is_forward_over = True
    return result


def _captured(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Inside of ``torch.compile``: backward records the calls again, see ``core/recompute.py``."""
    region = Region()
    before = modes.saving
    modes.saving = (*before, region)
    try:
        return function(*args, **kwargs)
    finally:
        modes.saving = before
        region.close()


def checkpoint_sequential(
    functions: Any, segments: int, input: Any, use_reentrant: bool | None = None, **kwargs: Any
) -> Any:
    """The functions one after another, in ``segments`` checkpoints of which the last is none.

    Raises:
        ValueError: unknown keyword arguments.
    """
    if use_reentrant is None:
        warnings.warn(
            "torch.utils.checkpoint.checkpoint_sequential: the use_reentrant "
            "parameter should be passed explicitly. "
            "In version 2.9 we will raise an exception if use_reentrant "
            "is not passed. use_reentrant=False is "
            "recommended, but if you need to preserve the current default "
            "behavior, you can pass use_reentrant=True. Refer to docs for more "
            "details on the differences between the two variants.",
            UserWarning,
            stacklevel=2,
        )
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if kwargs:
        raise ValueError(f"Unexpected keyword arguments: {','.join(kwargs)}")
    steps = list(functions.children()) if isinstance(functions, Sequential) else functions
    size = len(steps) // segments
    starts = range(0, size * (segments - 1), size)
    for start in starts:
        input = checkpoint(
            _chained(steps[start : start + size]), input, use_reentrant=use_reentrant,
            preserve_rng_state=preserve,
        )  # fmt: skip
    return _chained(steps[len(starts) * size :])(input)


def _chained(steps: Any) -> Callable[[Any], Any]:
    def forward(input: Any) -> Any:
        for step in steps:
            input = step(input)
        return input

    return forward


# --- selective checkpoints ---------------------------------------------------------------------------


class CheckpointPolicy(enum.Enum):
    """What a selective checkpoint does with an op's result."""

    MUST_SAVE = 0
    PREFER_SAVE = 1
    MUST_RECOMPUTE = 2
    PREFER_RECOMPUTE = 3
    MUST_CPU_OFFLOAD = 4
    PREFER_CPU_OFFLOAD = 5


class SelectiveCheckpointContext:
    """What a policy function is told."""

    def __init__(self, *, is_recompute: bool, op_output: Any = None) -> None:
        self.is_recompute = is_recompute
        self.op_output = op_output


def create_selective_checkpoint_contexts(
    policy_fn_or_list: Any, allow_cache_entry_mutation: bool = False
) -> Any:
    """Refused: policies are about ATen's ops, of which XLA's programs know nothing.

    Raises:
        NotImplementedError: always. TypeError: no function and no list.
    """
    if not callable(policy_fn_or_list) and not isinstance(policy_fn_or_list, list):
        raise TypeError("policy_fn_or_list must be either a function or a list of ops.")
    raise missing(
        "utils.checkpoint.create_selective_checkpoint_contexts",
        "leave what is to be kept outside of the checkpointed function",
    )
