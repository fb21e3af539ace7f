"""Single steps of recurrent layers."""

from __future__ import annotations

import math
from typing import Any

from ...api import torch as T
from ...core.tensor import Tensor
from .. import init
from ..module import Module
from ..parameter import Parameter

__all__ = ["GRUCell", "LSTMCell", "RNNCell", "RNNCellBase"]


class RNNCellBase(Module):
    """What the cells share: weights, biases and checks."""

    input_size: int
    hidden_size: int
    bias: bool

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool,
        num_chunks: int,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.bias = bias
        rows = num_chunks * hidden_size
        self.weight_ih = Parameter(T.empty((rows, input_size), device=device, dtype=dtype))
        self.weight_hh = Parameter(T.empty((rows, hidden_size), device=device, dtype=dtype))
        for name in ("bias_ih", "bias_hh"):
            value = Parameter(T.empty(rows, device=device, dtype=dtype)) if bias else None
            self.register_parameter(name, value)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        bound = 1.0 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def extra_repr(self) -> str:
        s = f"{self.input_size}, {self.hidden_size}"
        if self.bias is not True:
            s += f", bias={self.bias}"
        if getattr(self, "nonlinearity", "tanh") != "tanh":
            s += f", nonlinearity={self.nonlinearity}"
        return s

    def _batched(self, t: Tensor, what: str) -> Tensor:
        """``(B, *)`` from ``(*)`` or ``(B, *)``."""
        if t.dim() not in (1, 2):
            raise ValueError(
                f"{self._get_name()}: Expected {what} to be 1D or 2D, got {t.dim()}D instead"
            )
        return t.unsqueeze(0) if t.dim() == 1 else t

    def _check_state(self, input: Tensor, states: Any) -> None:
        if input.size(1) != self.input_size:
            raise RuntimeError(
                f"input has inconsistent input_size: got {input.size(1)} expected {self.input_size}"
            )
        for i, h in enumerate(states):
            if input.size(0) != h.size(0):
                raise RuntimeError(
                    f"Input batch size {input.size(0)} doesn't match hidden{i} batch size "
                    f"{h.size(0)}"
                )
            if h.size(1) != self.hidden_size:
                raise RuntimeError(
                    f"hidden{i} has inconsistent hidden_size: got {h.size(1)}, expected "
                    f"{self.hidden_size}"
                )

    def _zeros(self, input: Tensor) -> Tensor:
        return T.zeros((input.size(0), self.hidden_size), dtype=input.dtype, device=input.device)

    def _step(self, kernel: Any, input: Tensor, hx: Tensor | None) -> Tensor:
        """One step of a cell whose state is one tensor."""
        batched = input.dim() == 2
        input = self._batched(input, "input")
        state = self._zeros(input) if hx is None else self._batched(hx, "hidden")
        self._check_state(input, (state,))
        out = kernel(input, state, self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)
        return out if batched else out.squeeze(0)


class RNNCell(RNNCellBase):
    """``tanh(W x + U h + b)``, or ReLU.  ``(B, I), (B, H) -> (B, H)``, also without B"""

    nonlinearity: str

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        if self.nonlinearity not in ("tanh", "relu"):
            raise RuntimeError(f"Unknown nonlinearity: {self.nonlinearity}")
        kernel = T.rnn_tanh_cell if self.nonlinearity == "tanh" else T.rnn_relu_cell
        return self._step(kernel, input, hx)


class GRUCell(RNNCellBase):
    """One GRU step.  ``(B, I), (B, H) -> (B, H)``, also without B"""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        return self._step(T.gru_cell, input, hx)


class LSTMCell(RNNCellBase):
    """One LSTM step.  ``(B, I), ((B, H), (B, H)) -> (B, H), (B, H)``, also without B"""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(self, input: Tensor, hx: Any = None) -> tuple[Tensor, Tensor]:
        batched = input.dim() == 2
        input = self._batched(input, "input")
        if hx is None:
            states = (self._zeros(input), self._zeros(input))
        else:
            states = tuple(self._batched(h, f"hx[{i}]") for i, h in enumerate(hx))
        self._check_state(input, states)
        h, c = T.lstm_cell(
            input, states, self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh
        )
        return (h, c) if batched else (h.squeeze(0), c.squeeze(0))
