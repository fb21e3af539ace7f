"""``detect_anomaly``: a backward that fails or makes NaN names the forward line."""

from __future__ import annotations

import traceback
import warnings
from collections.abc import Sequence
from typing import Any

from .dispatch import invoke
from .modes import modes
from .tape import Node


def applied(node: Node, given: list[Any], create_graph: bool) -> Sequence[Any]:
    """Runs a node's backward under anomaly mode.

    Raises:
        RuntimeError: the node returned NaN.
    """
    try:
        results = node.apply(given, create_graph)
    except Exception:
        _warn(node)
        raise
    if modes.anomaly and modes.anomaly_nan:
        for i, grad in enumerate(results):
            if (
                grad is not None
                and grad._v.aval.inexact
                and bool(invoke("any", invoke("isnan", grad)).item())
            ):
                _warn(node)
                raise RuntimeError(
                    f"Function '{node.label}' returned nan values in its {i}th output."
                )
    return results


def _warn(node: Node) -> None:
    if node.anomaly is None:
        text = (
            f"Error detected in {node.label}. No forward pass information available. Enable detect anomaly "
            "during forward pass for more information."
        )
    else:
        frames = [
            f for f in node.anomaly if "/torchlike/core/" not in f.filename.replace("\\", "/")
        ]
        text = (
            f"Error detected in {node.label}. Traceback of forward call that caused the error:\n"
            + "".join(traceback.format_list(frames))
        )
    warnings.warn(text, UserWarning, stacklevel=2)
