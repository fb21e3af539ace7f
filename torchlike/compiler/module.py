"""A module that was given to ``torch.compile``."""

from __future__ import annotations

from typing import Any

from ..nn.module import Module
from .function import Compiled


class OptimizedModule(Module):
    """Wraps a module: same parameters (prefixed ``_orig_mod.``), compiled forward."""

    def __init__(self, mod: Module, fullgraph: bool = False) -> None:
        super().__init__()
        self._orig_mod = mod
        object.__setattr__(self, "_compiled", Compiled(mod, fullgraph, type(mod).__name__))
        self.training = mod.training

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._compiled(*args, **kwargs)

    forward = __call__

    def __getattr__(self, name: str) -> Any:
        if name == "_orig_mod":
            return self._modules["_orig_mod"]
        return getattr(self._orig_mod, name)

    def __setattr__(self, name: str, value: Any) -> None:
        own = (
            name in ("_orig_mod", "training")
            or "_modules" not in self.__dict__
            or "_orig_mod" not in self._modules
        )
        if own or name.startswith("_"):
            super().__setattr__(name, value)
        else:
            setattr(self._orig_mod, name, value)

    def __len__(self) -> int:
        return len(self._orig_mod)  # type: ignore[arg-type]  # PyTorch forwards it, too

    def __bool__(self) -> bool:
        return True

    def __reduce__(self) -> Any:
        return OptimizedModule, (self._orig_mod,)

    def __deepcopy__(self, memo: dict[int, Any]) -> OptimizedModule:
        import copy

        return OptimizedModule(copy.deepcopy(self._orig_mod, memo), self._compiled.fullgraph)
