"""An optimizer that works on other parameters and another state for a while."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..core.tensor import Tensor
from .optimizer import Optimizer

_NAME = "swap_in_optimizer_params_and_state"


@contextmanager
def swap_in_optimizer_params_and_state(
    optimizer: Optimizer, swapin_parameters: dict[str, Tensor], swapin_optim_state: dict[str, Any]
) -> Iterator[None]:
    """``optimizer`` steps the given parameters, in the order of its own, from a ``state_dict``'s state.

    What is written in place to the given tensors stays; the optimizer's own come back at the end.

    Raises:
        RuntimeError: the optimizer has no state yet; the state is none of its kind.
    """
    groups = _matching_groups(optimizer, swapin_optim_state)
    given, taken = list(swapin_parameters.values()), 0
    state: defaultdict[Any, Any] = defaultdict(dict)
    swapped: list[dict[str, Any]] = []
    for group in groups:
        params = given[taken : taken + len(group["params"])]
        if len(params) < len(group["params"]):
            raise _out_of_order()
        taken += len(params)
        swapped.append({**group, "params": params})
        for param, number in zip(params, group["params"], strict=True):
            state[param] = dict(swapin_optim_state["state"].get(number, {}))
    if taken != len(given):
        raise _out_of_order()
    own_state, own_groups = optimizer.state, [dict(group) for group in optimizer.param_groups]
    try:
        _fill(optimizer.param_groups, swapped)
        optimizer.state = state
        yield
    finally:
        _fill(optimizer.param_groups, own_groups)
        optimizer.state = own_state


def _fill(groups: list[dict[str, Any]], contents: list[dict[str, Any]]) -> None:
    for group, content in zip(groups, contents, strict=True):
        group.clear()
        group.update(content)


def _out_of_order() -> RuntimeError:
    return RuntimeError(
        f"{_NAME} requires the explicit parameter state to match optimizer.param_groups ordering."
    )


def _matching_groups(optimizer: Optimizer, given: Any) -> list[dict[str, Any]]:
    """The state's groups, which have the optimizer's own keys and as many parameters each."""
    if not optimizer.state:
        raise RuntimeError(f"{_NAME} requires initialized optimizer state.")
    if not isinstance(given, dict):
        raise RuntimeError(f"{_NAME} requires a DCP-style optimizer state_dict.")
    state, groups = given.get("state"), given.get("param_groups")
    if not isinstance(state, dict):
        raise RuntimeError(
            f"{_NAME} requires swapin_optim_state['state'] to be a dict mapping packed parameter ids to "
            f"per-param state dicts, got {type(state).__name__}."
        )
    if any(isinstance(number, Tensor) for number in state):
        raise RuntimeError(
            f"{_NAME} requires optimizer.state_dict()-style state keyed by packed parameter ids."
        )
    if not all(isinstance(entry, dict) for entry in state.values()):
        raise RuntimeError(f"{_NAME} requires per-parameter optimizer state entries to be dictionaries.")
    if not isinstance(groups, list):
        raise RuntimeError(
            f"{_NAME} requires swapin_optim_state['param_groups'] to be a list of param-group dicts, got "
            f"{type(groups).__name__}."
        )
    if len(groups) != len(optimizer.param_groups):
        raise RuntimeError(
            "swapin_optim_state has a different number of parameter groups than the live optimizer."
        )
    for i, (own, group) in enumerate(zip(optimizer.param_groups, groups, strict=True)):
        _match(i, own, group)
    extra = [n for n in state if not any(n in group["params"] for group in groups)]
    if extra:
        raise RuntimeError(
            f"{_NAME} requires swapin_optim_state['state'] to be keyed only by packed parameter ids from "
            f"param_groups[*]['params']; got extra keys {extra!r}."
        )
    return groups


def _match(i: int, own: dict[str, Any], group: Any) -> None:
    if not isinstance(group, dict):
        raise RuntimeError(f"{_NAME} requires each optimizer param group to be a dictionary.")
    numbers = group.get("params")
    if not isinstance(numbers, list) or not all(isinstance(n, int) for n in numbers):
        raise RuntimeError(
            f"{_NAME} requires optimizer.state_dict()-style param_groups[*]['params'] entries keyed by "
            "packed parameter ids."
        )
    if len(numbers) != len(own["params"]):
        raise RuntimeError(
            f"swapin_optim_state param group {i} has a different number of params than the live optimizer "
            "param group."
        )
    new, lost = [k for k in group if k not in own], [k for k in own if k not in group]
    if new or lost:
        raise RuntimeError(
            f"{_NAME} requires optimizer.state_dict()-style param group keys to exactly match the live "
            f"optimizer group keys for group {i}. Keys only in swap-in: {new}. Keys only in live: {lost}."
        )
