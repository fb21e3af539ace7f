"""``torch.cuda.random``: accelerators draw from the default generator; without one seeding does nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..core.device import accelerators
from ..core.rng import default_generator


def manual_seed(seed: int) -> None:
    """Seeds the default generator, if there is an accelerator."""
    if accelerators():
        default_generator.manual_seed(int(seed))


def manual_seed_all(seed: int) -> None:
    manual_seed(seed)


def seed() -> None:
    if accelerators():
        default_generator.seed()


def seed_all() -> None:
    seed()


def initial_seed() -> int:
    return default_generator.initial_seed()


def get_rng_state(device: Any = "cuda") -> Any:
    return default_generator.get_state()


def get_rng_state_all() -> list[Any]:
    return [default_generator.get_state() for _ in accelerators()]


def set_rng_state(new_state: Any, device: Any = "cuda") -> None:
    default_generator.set_state(new_state)


def set_rng_state_all(new_states: Iterable[Any]) -> None:
    for state in new_states:
        default_generator.set_state(state)
