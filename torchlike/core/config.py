"""Settings, and the only reader of environment variables.

``torchlike.config.execution`` chooses the executor: ``"recorded"`` (calls are appended to a
segment that runs as one XLA program when somebody looks) or ``"op_by_op"``.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

EXECUTIONS = ("recorded", "op_by_op")


class Config(threading.local):
    """Per-thread switches; a new thread starts from the environment's values."""

    def __init__(self) -> None:
        self.recorded = _choice("TORCHLIKE_EXECUTION", EXECUTIONS, "recorded") == "recorded"
        self.segment_nodes = int(os.environ.get("TORCHLIKE_SEGMENT_NODES", "4000"))
        self.segment_bytes = int(os.environ.get("TORCHLIKE_SEGMENT_BYTES", str(1 << 30)))

    @property
    def execution(self) -> str:
        return "recorded" if self.recorded else "op_by_op"

    @execution.setter
    def execution(self, value: str) -> None:
        if value not in EXECUTIONS:
            raise ValueError(f"execution must be one of {EXECUTIONS}, got {value!r}")
        self.recorded = value == "recorded"

    @contextlib.contextmanager
    def using(self, execution: str) -> Iterator[None]:
        """Run the body under the given executor."""
        before = self.execution
        self.execution = execution
        try:
            yield
        finally:
            self.execution = before


def _choice(name: str, allowed: tuple[str, ...], default: str) -> str:
    value = os.environ.get(name, default)
    if value not in allowed:
        raise ValueError(f"{name} must be one of {allowed}, got {value!r}")
    return value


def flag(name: str) -> bool:
    """Whether an environment variable says yes."""
    return os.environ.get(name, "0").lower() in ("1", "y", "yes", "true")


def variable(name: str) -> str | None:
    """An environment variable that PyTorch's launchers set: ``RANK`` and the like."""
    return os.environ.get(name)


def cache_folder() -> Path | None:
    """Where compiled programs are kept; ``TORCHLIKE_CACHE=off`` keeps none."""
    named = os.environ.get("TORCHLIKE_CACHE")
    if named in ("", "0", "off"):
        return None
    if named:
        return Path(named)
    root = os.environ.get("XDG_CACHE_HOME")
    return (Path(root) if root else Path.home() / ".cache") / "torchlike" / "xla"


def hub_home() -> Path:
    """Where ``torch.hub`` keeps what it downloads, as PyTorch finds it."""
    named = os.environ.get("TORCH_HOME")
    if named:
        return Path(named).expanduser()
    root = os.environ.get("XDG_CACHE_HOME")
    return (Path(root) if root else Path.home() / ".cache") / "torch"


def is_cache_chosen_by_jax() -> bool:
    """True if the user already told JAX where to keep its cache."""
    return "JAX_COMPILATION_CACHE_DIR" in os.environ


config = Config()
