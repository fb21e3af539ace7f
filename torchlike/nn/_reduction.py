"""``reduction="mean"`` and its two deprecated booleans."""

from __future__ import annotations

import warnings


def get_enum(reduction: str) -> int:
    """The number of a reduction: none 0, mean 1, sum 2.

    Raises:
        ValueError: no such reduction.
    """
    if reduction == "elementwise_mean":
        warn_deprecated(
            "reduction='elementwise_mean' is deprecated. Please use reduction='mean' instead.",
            category=UserWarning,
        )
        return 1
    known = {"none": 0, "mean": 1, "sum": 2}
    if reduction not in known:
        raise ValueError(f"{reduction} is not a valid value for reduction")
    return known[reduction]


def legacy_get_string(
    size_average: bool | None, reduce: bool | None, emit_warning: bool = True
) -> str:
    """The reduction that the two booleans mean."""
    average = True if size_average is None else size_average
    reduced = True if reduce is None else reduce
    found = "none" if not reduced else "mean" if average else "sum"
    if emit_warning:
        warn_deprecated(
            "size_average and reduce args will be deprecated, please use "
            f"reduction='{found}' instead.",
            category=UserWarning,
        )
    return found


def legacy_get_enum(
    size_average: bool | None, reduce: bool | None, emit_warning: bool = True
) -> int:
    """The number of the reduction that the two booleans mean."""
    return get_enum(legacy_get_string(size_average, reduce, emit_warning))


def warn_deprecated(text: str, category: type[Warning] = FutureWarning) -> None:
    """Warns at the user's call of a loss's constructor or function."""
    warnings.warn(text, category, stacklevel=4)
