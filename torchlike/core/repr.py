"""How a tensor prints: PyTorch's own layout, from an array and a few flags.

Ratios, widths and rounding follow PyTorch's ``_tensor_str``: the text must be equal, also where a
simpler rule would look as good.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from . import dtypes as d
from .dtypes import default_dtype, dtype

_FLOAT8 = ("float8_e5m2", "float8_e5m2fnuz", "float8_e4m3fn", "float8_e4m3fnuz")


@dataclasses.dataclass
class PrintOptions:
    """What ``torch.set_printoptions`` sets."""

    precision: int = 4
    threshold: float = 1000
    edgeitems: int = 3
    linewidth: int = 80
    sci_mode: bool | None = None


_PROFILES: dict[str, tuple[int, float, int, int]] = {
    "default": (4, 1000, 3, 80),
    "short": (2, 1000, 2, 80),
    "full": (4, math.inf, 3, 80),
}

PRINT_OPTS = PrintOptions()


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Sets how tensors print; ``profile`` is ``default``, ``short`` or ``full``."""
    new = PRINT_OPTS
    if profile in _PROFILES:
        new.precision, new.threshold, new.edgeitems, new.linewidth = _PROFILES[profile]
    if precision is not None:
        new.precision = precision
    if threshold is not None:
        new.threshold = threshold
    if edgeitems is not None:
        new.edgeitems = edgeitems
    if linewidth is not None:
        new.linewidth = linewidth
    new.sci_mode = sci_mode


def get_printoptions() -> dict[str, Any]:
    """The options as a dict for ``set_printoptions(**options)``."""
    return dataclasses.asdict(PRINT_OPTS)


@contextlib.contextmanager
def printoptions(**kwargs: Any) -> Iterator[None]:
    """The options of ``set_printoptions``, for the body only."""
    before = get_printoptions()
    set_printoptions(**kwargs)
    try:
        yield
    finally:
        set_printoptions(**before)


class Formatter:
    """One width and one notation for all numbers of a tensor."""

    def __init__(self, values: np.ndarray) -> None:
        self.floating = values.dtype.kind == "f"
        self.int_mode = True
        self.sci_mode = False
        self.max_width = 1
        if self.floating:
            self._choose(values.reshape(-1))
        else:
            for value in values.reshape(-1).tolist():
                self.max_width = max(self.max_width, len(f"{value}"))

    def _choose(self, values: np.ndarray) -> None:
        finite = values[np.isfinite(values) & (values != 0)]
        if finite.size == 0:
            return
        sizes = np.abs(finite).astype(np.float64)
        smallest, largest = float(sizes.min()), float(sizes.max())
        self.int_mode = not (finite != np.ceil(finite)).any()
        if PRINT_OPTS.sci_mode is None:
            self.sci_mode = largest / smallest > 1000.0 or largest > 1.0e8 or smallest < 1.0e-4
        else:
            self.sci_mode = PRINT_OPTS.sci_mode
        extra = 0
        if self.sci_mode:
            spec = f".{PRINT_OPTS.precision}e"
        elif self.int_mode:
            spec, extra = ".0f", 1
        else:
            spec = f".{PRINT_OPTS.precision}f"
        widest = max(len(format(value, spec)) for value in finite.tolist())
        self.max_width = max(self.max_width, widest + extra)

    def format(self, value: Any) -> str:
        """The number, filled with blanks from the left."""
        if not self.floating:
            text = f"{value}"
        elif self.sci_mode:
            text = f"{{:{self.max_width}.{PRINT_OPTS.precision}e}}".format(value)
        elif self.int_mode:
            text = f"{value:.0f}"
            if math.isfinite(value):
                text += "."
        else:
            text = f"{{:.{PRINT_OPTS.precision}f}}".format(value)
        return text.rjust(self.max_width)


@dataclasses.dataclass
class _Layout:
    """What is fixed while one tensor is printed; ``imag`` only for complex numbers."""

    summarize: bool
    real: Formatter
    imag: Formatter | None

    def number(self, value: Any) -> str:
        if self.imag is None:
            return self.real.format(value)
        real = self.real.format(value.real)
        imag = (self.imag.format(value.imag) + "j").lstrip()
        return real + imag if imag[0] in "+-" else real + "+" + imag

    def vector(self, row: np.ndarray, indent: int) -> str:
        length = self.real.max_width + 2
        if self.imag is not None:
            length += self.imag.max_width + 1
        per_line = max(1, math.floor((PRINT_OPTS.linewidth - indent) / length))
        edge = PRINT_OPTS.edgeitems
        if self.summarize and not edge:
            data = ["..."]
        elif self.summarize and len(row) > 2 * edge:
            first, last = row[:edge].tolist(), row[-edge:].tolist()
            data = [*map(self.number, first), " ...", *map(self.number, last)]
        else:
            data = [self.number(value) for value in row.tolist()]
        lines = [", ".join(data[i : i + per_line]) for i in range(0, len(data), per_line)]
        return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"

    def block(self, values: np.ndarray, indent: int) -> str:
        if values.ndim == 0:
            return self.number(values.item())
        if values.ndim == 1:
            return self.vector(values, indent)
        edge, n = PRINT_OPTS.edgeitems, len(values)
        if self.summarize and n > 2 * edge:
            slices = [self.block(values[i], indent + 1) for i in range(edge)]
            slices.append("...")
            slices += [self.block(values[i], indent + 1) for i in range(n - edge, n)]
        else:
            slices = [self.block(row, indent + 1) for row in values]
        return "[" + ("," + "\n" * (values.ndim - 1) + " " * (indent + 1)).join(slices) + "]"


def _corners(values: np.ndarray) -> np.ndarray:
    """The numbers that a summary shows; their width decides."""
    edge = PRINT_OPTS.edgeitems
    if values.ndim > 1 and not edge:
        return values[:0]
    for axis in range(values.ndim):
        n = values.shape[axis]
        if n > 2 * edge:
            shown = [*range(edge), *range(n - edge, n)] if edge else [*range(n)]
            values = values.take(shown, axis)
    return values


def numbers_text(values: np.ndarray, of: dtype, indent: int) -> str:
    """The bracketed numbers, their continuation lines indented."""
    if values.size == 0:
        return "[]"
    if of.name in _FLOAT8:
        values = values.astype(np.float16)
    elif of is d.bfloat16:
        values = values.astype(np.float32)
    summarize = values.size > PRINT_OPTS.threshold
    shown = _corners(values) if summarize else values
    if of.is_complex:
        layout = _Layout(summarize, Formatter(shown.real), Formatter(shown.imag))
    else:
        layout = _Layout(summarize, Formatter(shown), None)
    return layout.block(values, indent)


def with_suffixes(
    text: str, suffixes: Sequence[str], indent: int, new_line: bool = False
) -> str:
    """``text, suffix, …)``, in new lines where the width asks for it (``new_line``: at once)."""
    parts = [text]
    last = len(text) - text.rfind("\n") + 1
    for suffix in suffixes:
        if new_line or last + len(suffix) + 2 > PRINT_OPTS.linewidth:
            new_line = False
            parts.append(",\n" + " " * indent + suffix)
            last = indent + len(suffix)
        else:
            parts.append(", " + suffix)
            last += len(suffix) + 2
    return "".join(parts) + ")"


def tensor_text(
    values: np.ndarray | None,
    of: dtype,
    *,
    shape: Sequence[int] | None = None,
    device: str = "cpu",
    requires_grad: bool = False,
    grad_fn: str | None = None,
    prefix: str = "tensor(",
    tangent: str | None = None,
) -> str:
    """``repr`` of a tensor.

    Args:
        values: the numbers; None for a tensor on ``meta``, which prints as ``...``.
        of: the tensor's dtype.
        shape: needed only if there are no values.
        device: printed unless it is ``cpu``.
        requires_grad: printed unless there is a ``grad_fn``.
        grad_fn: name of the node, ``AddBackward0``.
        prefix: ``Subclass(`` for an instance of a subclass.
        tangent: the text of its tangent, if it has one.
    """
    size = tuple(values.shape if values is not None else shape or ())
    default = default_dtype()
    suffixes = [] if device == "cpu" else [f"device='{device}'"]
    if values is None or values.size == 0:
        text = "..." if values is None else "[]"
        if values is None or len(size) != 1:
            suffixes.append(f"size={size}")
        if of is not default:
            suffixes.append(f"dtype={of}")
    else:
        if not PRINT_OPTS.edgeitems:
            suffixes.append(f"size={size}")
        default_complex = d.complex128 if default is d.float64 else d.complex64
        if of not in (default, default_complex, d.int64, d.bool_):
            suffixes.append(f"dtype={of}")
        text = numbers_text(values, of, len(prefix))
    if grad_fn is not None:
        suffixes.append(f"grad_fn=<{grad_fn}>")
    elif requires_grad:
        suffixes.append("requires_grad=True")
    if tangent is not None:
        suffixes.append(f"tangent={tangent}")
    return with_suffixes(prefix + text, suffixes, len(prefix))
