"""L-BFGS, with the strong Wolfe line search."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.build import from_host
from ..core.modes import no_grad, set_grad_enabled
from ..core.tensor import Tensor
from ..core.value import on_host
from ..sparse.tape import dense
from .chained import check_lr
from .optimizer import Optimizer, _get_value, _to_scalar
from .wolfe import strong_wolfe

_MEMORY = ("d", "t", "old_dirs", "old_stps", "ro", "H_diag", "prev_flat_grad")


class LBFGS(Optimizer):
    """Newton-like steps from the last ``history_size`` gradients; it takes one group.

    Between two calls of the closure everything is decided by single numbers, so it is computed
    with NumPy: on the device each of them would be waited for.
    """

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        check_lr(lr)
        defaults = {
            "lr": lr, "max_iter": max_iter,
            "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad, "tolerance_change": tolerance_change,
            "history_size": history_size, "line_search_fn": line_search_fn,
        }  # fmt: skip
        super().__init__(params, defaults)
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")

    @property
    def _params(self) -> list[Any]:
        return self.param_groups[0]["params"]

    def _gather_flat_grad(self) -> np.ndarray:
        """All gradients as one real vector."""
        return np.concatenate(
            [
                np.zeros(_reals(p), _real(p)) if p.grad is None
                else np.ascontiguousarray(on_host(dense(p.grad)._v)).reshape(-1).view(_real(p))
                for p in self._params
            ]
        )  # fmt: skip

    def _add_grad(self, step_size: Any, update: np.ndarray) -> None:
        offset = 0
        for p in self._params:
            part = update[offset : offset + _reals(p)] * step_size
            part = part.astype(_real(p)).view(p.dtype.np).reshape(tuple(p.shape))
            p.add_(from_host(part, device=p.device))
            offset += _reals(p)

    def _evaluate_along(
        self, closure: Callable[[], Any], start: list[Any], t: Any, d: np.ndarray
    ) -> tuple[float, np.ndarray]:
        self._add_grad(t, d)
        loss = closure()
        grad = self._gather_flat_grad()
        for p, before in zip(self._params, start, strict=True):
            p.copy_(before)
        return loss, grad

    @no_grad()
    def step(self, closure: Callable[[], Any]) -> Any:  # type: ignore[override]
        """Up to ``max_iter`` iterations; the closure clears gradients, computes the loss, and
        calls backward."""
        losses: list[Any] = []

        def evaluate() -> float:
            with set_grad_enabled(True):
                losses.append(closure())
            loss: Any = losses[-1]
            return loss.item() if isinstance(loss, Tensor) else float(loss)

        group = self.param_groups[0]
        state = self.state[self._params[0]]
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)
        loss, evals = evaluate(), 1
        state["func_evals"] += 1
        grad = self._gather_flat_grad()
        if np.abs(grad).max() <= group["tolerance_grad"]:
            return losses[0]
        memory = {name: _numbers(state.get(name)) for name in (*_MEMORY, "al")}
        before = state.get("prev_loss")
        lr: Any = _get_value(_to_scalar(group["lr"]))
        for n_iter in range(1, group["max_iter"] + 1):
            state["n_iter"] += 1
            self._choose_direction(group, state["n_iter"] == 1, memory, grad)
            memory["prev_flat_grad"] = grad
            before = loss
            is_first = state["n_iter"] == 1
            memory["t"] = min(1.0, 1.0 / np.abs(grad).sum()) * lr if is_first else lr
            slope = grad.dot(memory["d"])
            if slope > -group["tolerance_change"]:
                break
            loss, grad, spent = self._move(
                group, memory, evaluate, (loss, grad, slope), n_iter, group["max_eval"] - evals
            )
            evals += spent
            state["func_evals"] += spent
            if (
                n_iter == group["max_iter"]
                or evals >= group["max_eval"]
                or np.abs(grad).max() <= group["tolerance_grad"]
                or np.abs(memory["d"] * memory["t"]).max() <= group["tolerance_change"]
                or abs(loss - before) < group["tolerance_change"]
            ):
                break
        state.update({k: _tensors(v) for k, v in memory.items() if k != "al" or v is not None})
        state["prev_loss"] = before
        return losses[0]

    def _move(
        self,
        group: dict[str, Any],
        memory: dict[str, Any],
        evaluate: Callable[[], float],
        at: tuple[float, np.ndarray, Any],
        n_iter: int,
        evals_left: int,
    ) -> tuple[float, np.ndarray, int]:
        """One step along the direction; the new loss and gradient, and the evaluations spent."""
        loss, grad, slope = at
        search = group["line_search_fn"]
        if search is not None:
            if search != "strong_wolfe":
                raise RuntimeError("only 'strong_wolfe' is supported")
            start = [p.clone() for p in self._params]

            def along(t: Any, d: np.ndarray) -> tuple[float, np.ndarray]:
                return self._evaluate_along(evaluate, start, t, d)

            loss, grad, memory["t"], spent = strong_wolfe(
                along, memory["t"], memory["d"], loss, grad, slope, max_ls=evals_left
            )
            self._add_grad(memory["t"], memory["d"])
            return loss, grad, spent
        self._add_grad(memory["t"], memory["d"])
        if n_iter == group["max_iter"]:  # the next call evaluates anyway
            return loss, grad, 0
        return evaluate(), self._gather_flat_grad(), 1

    def _choose_direction(
        self, group: dict[str, Any], is_first: bool, memory: dict[str, Any], grad: np.ndarray
    ) -> None:
        if is_first:
            memory.update(d=-grad, old_dirs=[], old_stps=[], ro=[], H_diag=1)
            return
        dirs, steps, ro = memory["old_dirs"], memory["old_stps"], memory["ro"]
        y = grad - memory["prev_flat_grad"]
        s = memory["d"] * memory["t"]
        ys = y.dot(s)
        if ys > 1e-10:
            if len(dirs) == group["history_size"]:
                for history in (dirs, steps, ro):
                    history.pop(0)
            dirs.append(y)
            steps.append(s)
            ro.append(1.0 / ys)
            memory["H_diag"] = ys / y.dot(y)
        if memory["al"] is None:
            memory["al"] = [None] * group["history_size"]
        al = memory["al"]
        q = -grad
        for i in range(len(dirs) - 1, -1, -1):
            al[i] = steps[i].dot(q) * ro[i]
            q = q - dirs[i] * al[i]
        r = q * memory["H_diag"]
        for i in range(len(dirs)):
            r = r + steps[i] * (al[i] - dirs[i].dot(r) * ro[i])
        memory["d"] = r


def _real(p: Tensor) -> np.dtype:
    return p.dtype.to_real().np


def _reals(p: Tensor) -> int:
    return p.numel() * (2 if p.is_complex() else 1)


def _numbers(x: Any) -> Any:
    """State as NumPy computes with it: a 0-d tensor becomes a scalar of its dtype."""
    if isinstance(x, Tensor):
        return on_host(x._v)[()]
    return [_numbers(e) for e in x] if isinstance(x, list) else x


def _tensors(x: Any) -> Any:
    """State as PyTorch keeps it."""
    if isinstance(x, (np.ndarray, np.generic)):
        return from_host(np.array(x), device="cpu")
    return [_tensors(e) for e in x] if isinstance(x, list) else x
