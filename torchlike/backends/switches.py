"""Switches that XLA has no use for: kept in their module's globals so that programs can read them back."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any


class Precision:
    """The ``fp32_precision`` of one kind of operation."""

    def __init__(self, fp32_precision: str = "none", **more: Any) -> None:
        self.fp32_precision = fp32_precision
        self.__dict__.update(more)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"Unknown attribute {name}")


def change(scope: dict[str, Any], **wanted: Any) -> tuple[Any, ...]:
    """Sets those that are not None; the former values of all."""
    former = tuple([scope[name] for name in wanted])
    scope.update({name: value for name, value in wanted.items() if value is not None})
    return former


@contextlib.contextmanager
def during(scope: dict[str, Any], **wanted: Any) -> Iterator[None]:
    """The switches inside the block."""
    former = dict(zip(wanted, change(scope, **wanted), strict=True))
    try:
        yield
    finally:
        scope.update(former)
