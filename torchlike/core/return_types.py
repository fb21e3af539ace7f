"""The named tuples that functions with several results return: ``torch.return_types.max`` and so on."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Iterable
from typing import Any

_TYPES: dict[tuple[str, tuple[str, ...]], Any] = {}


def return_type(name: str, fields: tuple[str, ...]) -> Any:
    """The class ``torch.return_types.name``; ``_make`` builds one fast."""
    found = _TYPES.get((name, fields))
    if found is None:
        found = _TYPES[name, fields] = _class(name, fields)
    return found


def _class(name: str, fields: tuple[str, ...]) -> Any:
    base: Any = namedtuple(name, fields)  # type: ignore[misc]

    def __new__(cls: Any, *values: Any) -> Any:
        """Of one sequence, as in PyTorch; or of the fields, as JAX's trees do it."""
        if len(values) == 1:
            if not isinstance(values[0], Iterable):
                raise TypeError("constructor requires a sequence")
            values = tuple(values[0])
        elif len(values) != len(fields):
            raise TypeError("constructor requires a sequence")
        if len(values) != len(fields):
            raise TypeError(
                f"torch.return_types.{name}() takes a {len(fields)}-sequence ({len(values)}-sequence given)"
            )
        return tuple.__new__(cls, values)

    def __repr__(self: Any) -> str:
        parts = ",\n".join(f"{f}={v!r}" for f, v in zip(fields, self, strict=True))
        return f"torch.return_types.{name}(\n{parts})"

    def __reduce__(self: Any) -> tuple[Any, ...]:
        return _rebuilt, (name, fields, tuple(self))

    members = {"__new__": __new__, "__repr__": __repr__, "__reduce__": __reduce__, "__slots__": (),
               "__module__": "torch.return_types", "n_fields": len(fields), "n_unnamed_fields": 0,
               "n_sequence_fields": len(fields)}  # fmt: skip
    return type(name, (base,), members)


def _rebuilt(name: str, fields: tuple[str, ...], values: tuple[Any, ...]) -> Any:
    return return_type(name, fields)(values)
