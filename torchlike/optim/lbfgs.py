"""L-BFGS, with the strong Wolfe line search."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..api import torch as T
from ..core.modes import no_grad, set_grad_enabled
from ..core.tensor import Tensor
from .chained import check_lr
from .optimizer import Optimizer, _to_scalar
from .wolfe import strong_wolfe


class LBFGS(Optimizer):
    """Newton-like steps from the last ``history_size`` gradients; it takes one group."""

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
    def _params(self) -> list[Tensor]:
        return self.param_groups[0]["params"]

    def _gather_flat_grad(self) -> Tensor:
        flat = []
        for p in self._params:
            grad: Any = T.zeros_like(p) if p.grad is None else p.grad
            if grad.is_complex():
                grad = T.view_as_real(grad)
            flat.append(grad.reshape(-1))
        return T.cat(flat, 0)

    def _add_grad(self, step_size: Any, update: Any) -> None:
        offset = 0
        for p in self._params:
            p = T.view_as_real(p) if p.is_complex() else p
            part = update[offset : offset + p.numel()]
            p.add_(part.reshape(p.shape) * step_size)
            offset += p.numel()

    def _evaluate_along(
        self, closure: Callable[[], Any], start: list[Any], t: Any, d: Any
    ) -> tuple[float, Any]:
        self._add_grad(t, d)
        loss = float(closure())
        grad = self._gather_flat_grad()
        for p, before in zip(self._params, start, strict=True):
            p.copy_(before)
        return loss, grad

    @no_grad()
    def step(self, closure: Callable[[], Any]) -> Any:  # type: ignore[override]
        """Up to ``max_iter`` iterations; the closure clears gradients, computes the loss, and
        calls backward."""

        def evaluate() -> Any:
            with set_grad_enabled(True):
                return closure()

        group = self.param_groups[0]
        state = self.state[self._params[0]]
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)
        first = evaluate()
        loss, evals = float(first), 1
        state["func_evals"] += 1
        grad: Any = self._gather_flat_grad()
        if grad.abs().max() <= group["tolerance_grad"]:
            return first
        memory = {
            name: state.get(name)
            for name in ("d", "t", "old_dirs", "old_stps", "ro", "H_diag", "prev_flat_grad")
        }
        before = state.get("prev_loss")
        for n_iter in range(1, group["max_iter"] + 1):
            state["n_iter"] += 1
            self._choose_direction(group, state, memory, grad)
            memory["prev_flat_grad"] = grad.clone()
            before = loss
            lr = _to_scalar(group["lr"])
            is_first = state["n_iter"] == 1
            memory["t"] = min(1.0, 1.0 / grad.abs().sum()) * lr if is_first else lr
            slope = grad.dot(memory["d"])
            if slope > -group["tolerance_change"]:
                break
            loss, grad, spent = self._move(
                group, memory, evaluate, (loss, grad, slope), n_iter, group["max_eval"] - evals
            )
            evals += spent
            state["func_evals"] += spent
            if n_iter == group["max_iter"] or evals >= group["max_eval"]:
                break
            if grad.abs().max() <= group["tolerance_grad"]:
                break
            if memory["d"].mul(memory["t"]).abs().max() <= group["tolerance_change"]:
                break
            if abs(loss - before) < group["tolerance_change"]:
                break
        state.update(memory)
        state["prev_loss"] = before
        return first

    def _move(
        self,
        group: dict[str, Any],
        memory: dict[str, Any],
        evaluate: Callable[[], Any],
        at: tuple[float, Any, Any],
        n_iter: int,
        evals_left: int,
    ) -> tuple[float, Any, int]:
        """One step along the direction; the new loss and gradient, and the evaluations spent."""
        loss, grad, slope = at
        search = group["line_search_fn"]
        if search is not None:
            if search != "strong_wolfe":
                raise RuntimeError("only 'strong_wolfe' is supported")
            start = [p.clone() for p in self._params]

            def along(t: Any, d: Any) -> tuple[float, Any]:
                return self._evaluate_along(evaluate, start, t, d)

            loss, grad, memory["t"], spent = strong_wolfe(
                along, memory["t"], memory["d"], loss, grad, slope, max_ls=evals_left
            )
            self._add_grad(memory["t"], memory["d"])
            return loss, grad, spent
        self._add_grad(memory["t"], memory["d"])
        if n_iter == group["max_iter"]:  # the next call evaluates anyway
            return loss, grad, 0
        return float(evaluate()), self._gather_flat_grad(), 1

    def _choose_direction(
        self, group: dict[str, Any], state: dict[str, Any], memory: dict[str, Any], grad: Any
    ) -> None:
        if state["n_iter"] == 1:
            memory.update(d=grad.neg(), old_dirs=[], old_stps=[], ro=[], H_diag=1)
            return
        dirs, steps, ro = memory["old_dirs"], memory["old_stps"], memory["ro"]
        y = grad.sub(memory["prev_flat_grad"])
        s = memory["d"].mul(memory["t"])
        ys = y.dot(s)
        if ys > 1e-10:
            if len(dirs) == group["history_size"]:
                for history in (dirs, steps, ro):
                    history.pop(0)
            dirs.append(y)
            steps.append(s)
            ro.append(1.0 / ys)
            memory["H_diag"] = ys / y.dot(y)
        al = state.setdefault("al", [None] * group["history_size"])
        q = grad.neg()
        for i in range(len(dirs) - 1, -1, -1):
            al[i] = steps[i].dot(q) * ro[i]
            q = q - dirs[i] * al[i]
        r = q * memory["H_diag"]
        for i in range(len(dirs)):
            r = r + steps[i] * (al[i] - dirs[i].dot(r) * ro[i])
        memory["d"] = r
