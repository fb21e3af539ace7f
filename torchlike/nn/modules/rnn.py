"""Recurrent layers and their cells; the recurrences are ops in ``ops/nn/rnn.py``."""

from __future__ import annotations

import math
import numbers
import warnings
from typing import Any

from ...api import torch as T
from ...core.tensor import Tensor
from .. import init
from ..module import Module
from ..parameter import Parameter
from ..utils.rnn import PackedSequence
from .rnn_cell import GRUCell, LSTMCell, RNNCell, RNNCellBase

__all__ = ["GRU", "LSTM", "RNN", "GRUCell", "LSTMCell", "RNNBase", "RNNCell", "RNNCellBase"]


def apply_permutation(tensor: Tensor, permutation: Tensor, dim: int = 1) -> Tensor:
    """Deprecated: ``tensor.index_select(dim, permutation)``"""
    warnings.warn(
        "apply_permutation is deprecated, please use tensor.index_select(dim, permutation) instead",
        FutureWarning,
        stacklevel=2,
    )
    return tensor.index_select(dim, permutation)


def _gate_size(mode: str, hidden_size: int) -> int:
    gates = {"LSTM": 4, "GRU": 3, "RNN_TANH": 1, "RNN_RELU": 1}
    if mode not in gates:
        raise ValueError("Unrecognized RNN mode: " + mode)
    return gates[mode] * hidden_size


class RNNBase(Module):
    """What RNN, LSTM and GRU share: the weights of all layers, and checks."""

    mode: str
    input_size: int
    hidden_size: int
    num_layers: int
    bias: bool
    batch_first: bool
    dropout: float
    bidirectional: bool
    proj_size: int

    def __init__(
        self,
        mode: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.mode = mode
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = float(dropout)
        self.bidirectional = bidirectional
        self.proj_size = proj_size
        _check_dropout(dropout, num_layers)
        _check_flags(bias=bias, batch_first=batch_first)
        _check_sizes(input_size, hidden_size, num_layers, proj_size)
        gate_size = _gate_size(mode, hidden_size)
        self._flat_weights_names: list[str] = []
        self._all_weights: list[list[str]] = []
        directions = 2 if bidirectional else 1
        width = proj_size if proj_size > 0 else hidden_size
        for layer in range(num_layers):
            for direction in range(directions):
                inputs = input_size if layer == 0 else width * directions
                shapes: list[Any] = [("weight_ih", (gate_size, inputs))]
                shapes.append(("weight_hh", (gate_size, width)))
                if bias:
                    shapes += [("bias_ih", gate_size), ("bias_hh", gate_size)]
                if proj_size > 0:
                    shapes.append(("weight_hr", (proj_size, hidden_size)))
                suffix = f"_l{layer}" + ("_reverse" if direction == 1 else "")
                names = []
                for name, shape in shapes:
                    param = Parameter(T.empty(shape, device=device, dtype=dtype))
                    setattr(self, name + suffix, param)
                    names.append(name + suffix)
                self._flat_weights_names.extend(names)
                self._all_weights.append(names)
        self.reset_parameters()

    @property
    def _flat_weights(self) -> list[Any]:
        return [getattr(self, name, None) for name in self._flat_weights_names]

    @property
    def all_weights(self) -> list[list[Parameter]]:
        """The weights, a list for each layer and direction."""
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    def flatten_parameters(self) -> None:
        """Nothing to do: XLA lays the weights out by itself."""

    def reset_parameters(self) -> None:
        bound = 1.0 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def __getstate__(self) -> dict[str, Any]:
        # PyTorch keeps the list in its files, and needs it there to load them
        return {**super().__getstate__(), "_flat_weights": self._flat_weights}

    def __setstate__(self, d: dict[str, Any]) -> None:
        # PyTorch's own pickles also hold the weights as a list, which here is derived
        state = {k: v for k, v in d.items() if k not in ("_flat_weights", "_flat_weight_refs")}
        state.setdefault("proj_size", 0)
        super().__setstate__(state)

    def check_input(self, input: Tensor, batch_sizes: Tensor | None) -> None:
        """Checks dtype, dims and features.

        Raises:
            ValueError, RuntimeError: in PyTorch's words.
        """
        weight = self._flat_weights[0]
        if input.dtype is not weight.dtype:
            raise ValueError(
                f"RNN input dtype ({input.dtype}) does not match weight dtype ({weight.dtype}). "
                f"Convert input: input.to({weight.dtype}), or convert model: "
                f"model.to({input.dtype})"
            )
        expected = 2 if batch_sizes is not None else 3
        if input.dim() != expected:
            raise RuntimeError(f"input must have {expected} dimensions, got {input.dim()}")
        if self.input_size != input.size(-1):
            raise RuntimeError(
                "input.size(-1) must be equal to input_size. "
                f"Expected {self.input_size}, got {input.size(-1)}"
            )

    def get_expected_hidden_size(
        self, input: Tensor, batch_sizes: Tensor | None
    ) -> tuple[int, int, int]:
        """``(layers directions, batch, hidden)``"""
        width = self.proj_size if self.proj_size > 0 else self.hidden_size
        return (self._states(), self._batch(input, batch_sizes), width)

    def _states(self) -> int:
        return self.num_layers * (2 if self.bidirectional else 1)

    def _batch(self, input: Tensor, batch_sizes: Tensor | None) -> int:
        if batch_sizes is not None:
            return int(batch_sizes[0])
        return input.size(0) if self.batch_first else input.size(1)

    def check_hidden_size(
        self,
        hx: Tensor,
        expected_hidden_size: tuple[int, int, int],
        msg: str = "Expected hidden size {}, got {}",
    ) -> None:
        """Raises RuntimeError with ``msg`` if the shape is another."""
        if tuple(hx.size()) != tuple(expected_hidden_size):
            raise RuntimeError(msg.format(expected_hidden_size, list(hx.size())))

    def check_forward_args(self, input: Tensor, hidden: Any, batch_sizes: Tensor | None) -> None:
        """Checks the input and the initial state."""
        self.check_input(input, batch_sizes)
        self.check_hidden_size(hidden, self.get_expected_hidden_size(input, batch_sizes))

    def permute_hidden(self, hx: Any, permutation: Tensor | None) -> Any:
        """The state with its batch in another order."""
        return hx if permutation is None else hx.index_select(1, permutation)

    def extra_repr(self) -> str:
        s = f"{self.input_size}, {self.hidden_size}"
        if self.proj_size != 0:
            s += f", proj_size={self.proj_size}"
        if self.num_layers != 1:
            s += f", num_layers={self.num_layers}"
        if self.bias is not True:
            s += f", bias={self.bias}"
        if self.batch_first is not False:
            s += f", batch_first={self.batch_first}"
        if self.dropout != 0:
            s += f", dropout={self.dropout}"
        if self.bidirectional is not False:
            s += f", bidirectional={self.bidirectional}"
        return s

    def _zeros(self, input: Tensor, batch: int, width: int) -> Tensor:
        return T.zeros((self._states(), batch, width), dtype=input.dtype, device=input.device)

    def _run(
        self, kernel: Any, input: Tensor, state: Any, batch_sizes: Tensor | None
    ) -> tuple[Tensor, ...]:
        weights = self._flat_weights
        rest = (self.bias, self.num_layers, self.dropout, self.training, self.bidirectional)
        if batch_sizes is None:
            return kernel(input, state, weights, *rest, self.batch_first)
        return kernel(input, batch_sizes, state, weights, *rest)


def _check_flags(**flags: Any) -> None:
    for name, value in flags.items():
        if not isinstance(value, bool):
            raise TypeError(f"{name} should be of type bool, got: {type(value).__name__}")


def _check_dropout(dropout: Any, num_layers: Any) -> None:
    if (
        not isinstance(dropout, numbers.Number)
        or not 0 <= dropout <= 1
        or isinstance(dropout, bool)
    ):
        raise ValueError(
            "dropout should be a number in range [0, 1] representing the probability of an element "
            "being zeroed"
        )
    if dropout > 0 and num_layers == 1:
        warnings.warn(
            "dropout option adds dropout after all but last recurrent layer, so non-zero dropout "
            f"expects num_layers greater than 1, but got dropout={dropout} and "
            f"num_layers={num_layers}",
            stacklevel=4,
        )


def _check_sizes(input_size: Any, hidden_size: Any, num_layers: Any, proj_size: int) -> None:
    for name, size in (("input_size", input_size), ("hidden_size", hidden_size)):
        if not isinstance(size, int):
            raise TypeError(f"{name} should be of type int, got: {type(size).__name__}")
    for name, size in (
        ("input_size", input_size),
        ("hidden_size", hidden_size),
        ("num_layers", num_layers),
    ):
        if size <= 0:
            raise ValueError(f"{name} must be greater than zero")
    if proj_size < 0:
        raise ValueError("proj_size should be a positive integer or zero to disable projections")
    if proj_size >= hidden_size:
        raise ValueError("proj_size has to be smaller than hidden_size")


class _SingleState(RNNBase):
    """RNN and GRU: the state is one tensor."""

    def _kernel(self) -> Any:
        raise NotImplementedError

    def forward(self, input: Any, hx: Tensor | None = None) -> Any:
        """Outputs of all steps, and the last state.

        ``(T, B, I), (L, B, H) -> (T, B, H), (L, B, H)``
        """
        if isinstance(input, PackedSequence):
            return self._forward_packed(input, hx)
        self._check_dims(input, hx)
        batched = input.dim() == 3
        if not batched:
            input = input.unsqueeze(0 if self.batch_first else 1)
            hx = None if hx is None else hx.unsqueeze(1)
        if hx is None:
            hx = self._zeros(input, self._batch(input, None), self.hidden_size)
        self.check_forward_args(input, hx, None)
        out, hidden = self._run(self._kernel(), input, hx, None)
        if batched:
            return out, hidden
        return out.squeeze(0 if self.batch_first else 1), hidden.squeeze(1)

    def _forward_packed(self, packed: PackedSequence, hx: Tensor | None) -> Any:
        data, batch_sizes, sorted_indices, unsorted_indices = packed
        if hx is None:
            hx = self._zeros(data, int(batch_sizes[0]), self.hidden_size)
        else:
            hx = self.permute_hidden(hx, sorted_indices)
        self.check_forward_args(data, hx, batch_sizes)
        out, hidden = self._run(self._kernel(), data, hx, batch_sizes)
        result = PackedSequence(out, batch_sizes, sorted_indices, unsorted_indices)
        return result, self.permute_hidden(hidden, unsorted_indices)

    def _check_dims(self, input: Tensor, hx: Tensor | None) -> None:
        kind = self._get_name()
        if input.dim() not in (2, 3):
            noun = " tensor" if kind == "RNN" else ""
            raise ValueError(
                f"{kind}: Expected input to be 2D or 3D, got {input.dim()}D{noun} instead"
            )
        if hx is not None and hx.dim() != input.dim():
            what = "batched 3-D" if input.dim() == 3 else "unbatched 2-D"
            raise RuntimeError(
                f"For {what} input, hx should also be {input.dim()}-D but got {hx.dim()}-D tensor"
            )


class RNN(_SingleState):
    """``h' = tanh(W x + U h + b)``, or ReLU.  ``(T, B, I), (L, B, H) -> (T, B, H), (L, B, H)``"""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if "proj_size" in kwargs:
            raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
        if len(args) > 3:
            self.nonlinearity = args[3]
            args = args[:3] + args[4:]
        else:
            self.nonlinearity = kwargs.pop("nonlinearity", "tanh")
        modes = {"tanh": "RNN_TANH", "relu": "RNN_RELU"}
        if self.nonlinearity not in modes:
            raise ValueError(
                f"Unknown nonlinearity '{self.nonlinearity}'. Select from 'tanh' or 'relu'."
            )
        super().__init__(modes[self.nonlinearity], *args, **kwargs)

    def _kernel(self) -> Any:
        return T.rnn_tanh if self.mode == "RNN_TANH" else T.rnn_relu


class GRU(_SingleState):
    """Gated recurrent unit.  ``(T, B, I), (L, B, H) -> (T, B, H), (L, B, H)``"""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if "proj_size" in kwargs:
            raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
        super().__init__("GRU", *args, **kwargs)

    def _kernel(self) -> Any:
        return T.gru


class LSTM(RNNBase):
    """Long short-term memory.  ``(T, B, I), ((L, B, P), (L, B, H)) -> (T, B, P), the same pair``"""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__("LSTM", *args, **kwargs)

    def get_expected_cell_size(
        self, input: Tensor, batch_sizes: Tensor | None
    ) -> tuple[int, int, int]:
        """``(layers directions, batch, hidden)``, without projection."""
        return (self._states(), self._batch(input, batch_sizes), self.hidden_size)

    def check_forward_args(self, input: Tensor, hidden: Any, batch_sizes: Tensor | None) -> None:
        """Checks the input and both states."""
        self.check_input(input, batch_sizes)
        self.check_hidden_size(
            hidden[0],
            self.get_expected_hidden_size(input, batch_sizes),
            "Expected hidden[0] size {}, got {}",
        )
        self.check_hidden_size(
            hidden[1],
            self.get_expected_cell_size(input, batch_sizes),
            "Expected hidden[1] size {}, got {}",
        )

    def permute_hidden(self, hx: Any, permutation: Tensor | None) -> Any:
        """Both states with their batch in another order."""
        return hx if permutation is None else tuple(h.index_select(1, permutation) for h in hx)

    def _zero_pair(self, input: Tensor, batch: int) -> tuple[Tensor, Tensor]:
        width = self.proj_size if self.proj_size > 0 else self.hidden_size
        return self._zeros(input, batch, width), self._zeros(input, batch, self.hidden_size)

    def forward(self, input: Any, hx: Any = None) -> Any:
        """Outputs of all steps, and the last pair of states."""
        if isinstance(input, PackedSequence):
            return self._forward_packed(input, hx)
        if input.dim() not in (2, 3):
            raise ValueError(f"LSTM: Expected input to be 2D or 3D, got {input.dim()}D instead")
        batched = input.dim() == 3
        if hx is not None and any(hx[i].dim() != input.dim() for i in range(2)):
            what = "batched 3-D" if batched else "unbatched 2-D"
            raise RuntimeError(
                f"For {what} input, hx and cx should also be {input.dim()}-D but got "
                f"({hx[0].dim()}-D, {hx[1].dim()}-D) tensors"
            )
        batch_dim = 0 if self.batch_first else 1
        if not batched:
            input = input.unsqueeze(batch_dim)
            hx = None if hx is None else (hx[0].unsqueeze(1), hx[1].unsqueeze(1))
        if hx is None:
            hx = self._zero_pair(input, self._batch(input, None))
        self.check_forward_args(input, hx, None)
        out, h, c = self._run(T.lstm, input, hx, None)
        if batched:
            return out, (h, c)
        return out.squeeze(batch_dim), (h.squeeze(1), c.squeeze(1))

    def _forward_packed(self, packed: PackedSequence, hx: Any) -> Any:
        data, batch_sizes, sorted_indices, unsorted_indices = packed
        if hx is None:
            hx = self._zero_pair(data, int(batch_sizes[0]))
        else:
            hx = self.permute_hidden(hx, sorted_indices)
        self.check_forward_args(data, hx, batch_sizes)
        out, h, c = self._run(T.lstm, data, hx, batch_sizes)
        result = PackedSequence(out, batch_sizes, sorted_indices, unsorted_indices)
        return result, self.permute_hidden((h, c), unsorted_indices)
