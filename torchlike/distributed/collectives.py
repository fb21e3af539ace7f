"""Collective calls among one process: what it sends is what it gets."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from ..core.errors import missing
from ..core.modes import no_grad
from ..core.tensor import Tensor
from .groups import ProcessGroup, ReduceOp, default_group

__all__ = [
    "Work", "all_gather", "all_gather_into_tensor", "all_gather_object", "all_gather_single",
    "all_reduce", "all_to_all", "all_to_all_single", "barrier", "broadcast",
    "broadcast_object_list", "gather", "gather_object", "irecv", "isend", "monitored_barrier",
    "recv", "reduce", "reduce_scatter", "reduce_scatter_single", "reduce_scatter_tensor", "scatter",
    "scatter_object_list", "send",
]  # fmt: skip

_BITWISE = (ReduceOp.BAND, ReduceOp.BOR, ReduceOp.BXOR)
_ORDERED = (*_BITWISE, ReduceOp.MIN, ReduceOp.MAX, ReduceOp.PRODUCT)


class Work:
    """A collective call that is over."""

    def __init__(self, result: Sequence[Tensor] = ()) -> None:
        self._result = list(result)

    def wait(self, timeout: Any = None) -> bool:
        return True

    def is_completed(self) -> bool:
        return True

    def is_success(self) -> bool:
        return True

    def exception(self) -> None:
        return None

    def result(self) -> list[Tensor]:
        return self._result


def _checked(name: str, x: Any) -> Tensor:
    if not isinstance(x, Tensor):
        raise TypeError(
            f"Invalid function argument. Expected parameter `{name}` of type torch.Tensor\n"
            f"             but got {type(x)} instead."
        )
    return x


def _done(is_async: bool, tensors: Sequence[Tensor] = ()) -> Work | None:
    return Work(tensors) if is_async else None


def _check_root(call: str, root: int | None, group_root: int | None, group: Any) -> None:
    """Whether the call's root is this process.

    Raises:
        RuntimeError: it is not.
    """
    if group is None:
        default_group()
    found = root if group_root is None else group_root
    if found not in (None, 0):
        raise RuntimeError(f"ProcessGroupGloo::{call}: invalid root rank: {found}")


def _check_op(tensor: Tensor, op: Any) -> None:
    if not isinstance(op, ReduceOp.RedOpType):
        raise TypeError(f"op must be a torch.distributed.ReduceOp, but got {type(op).__name__}")
    if op in _ORDERED and tensor.is_complex():
        raise ValueError(f"all_reduce does not support RedOpType.{op.name} on complex tensors")
    if op in _BITWISE and tensor.is_floating_point():
        raise RuntimeError(f"Cannot use ReduceOp.{op.name} with non-integral dtype")


def _copy(call: str, to: Tensor, source: Tensor, place: int = 0) -> None:
    if to.shape != source.shape:
        expected, got = (str(tuple(t.shape)).replace(",)", ")") for t in (source, to))
        raise RuntimeError(
            f"ProcessGroupGloo::{call}: invalid tensor size at index {place} "
            f"(expected {expected}, got {got})"
        )
    with no_grad():
        to.copy_(source)


def _one(call: str, tensors: Sequence[Any], what: str = "output") -> Tensor:
    if len(tensors) != 1:
        raise RuntimeError(
            f"ProcessGroupGloo::{call}: invalid {what} tensor list at index 0 "
            f"(expected length 1, got {len(tensors)})"
        )
    return _checked(f"{what}_tensor_list", tensors[0])


# --- tensors -----------------------------------------------------------------------------------------


def all_reduce(
    tensor: Tensor, op: Any = ReduceOp.SUM, group: ProcessGroup | None = None,
    async_op: bool = False,
) -> Work | None:  # fmt: skip
    """The sum of one tensor is that tensor."""
    _check_op(_checked("tensor", tensor), op)
    _check_root("allreduce", None, None, group)
    return _done(async_op, [tensor])


def reduce(
    tensor: Tensor, dst: int | None = None, op: Any = ReduceOp.SUM,
    group: ProcessGroup | None = None, async_op: bool = False, group_dst: int | None = None,
) -> Work | None:  # fmt: skip
    """``all_reduce`` to one process."""
    _check_op(_checked("tensor", tensor), op)
    _check_root("reduce", dst, group_dst, group)
    return _done(async_op, [tensor])


def broadcast(
    tensor: Tensor, src: int | None = None, group: ProcessGroup | None = None,
    async_op: bool = False, group_src: int | None = None,
) -> Work | None:  # fmt: skip
    """Everybody has it already."""
    _checked("tensor", tensor)
    _check_root("broadcast", src, group_src, group)
    return _done(async_op, [tensor])


def all_gather(
    tensor_list: Any, tensor: Tensor, group: ProcessGroup | None = None, async_op: bool = False
) -> Work | None:
    """``tensor_list[0]`` becomes a copy."""
    _checked("tensor", tensor)
    _check_root("allgather", None, None, group)
    _copy("allgather", _one("allgather", tensor_list), tensor)
    return _done(async_op, tensor_list)


def all_gather_single(
    output: Tensor, input: Tensor, group: ProcessGroup | None = None, async_op: bool = False
) -> Work | None:
    """``output`` becomes a copy."""
    _check_root("allgather", None, None, group)
    return _exchanged("allgather", output, input, async_op)


def _exchanged(call: str, output: Any, input: Any, async_op: bool) -> Work | None:
    _checked("output", output)
    _checked("input", input)
    if output.numel() != input.numel():
        _copy(call, output, input)
    with no_grad():
        output.copy_(input.reshape(output.shape))
    return _done(async_op, [output])


all_gather_into_tensor = all_gather_single


def gather(
    tensor: Tensor, gather_list: Any = None, dst: int | None = None,
    group: ProcessGroup | None = None, async_op: bool = False, group_dst: int | None = None,
) -> Work | None:  # fmt: skip
    """``gather_list[0]`` becomes a copy.

    Raises:
        ValueError: there is no list.
    """
    _checked("tensor", tensor)
    _check_root("gather", dst, group_dst, group)
    if not gather_list:
        raise ValueError("Argument ``gather_list`` must be specified on destination rank.")
    _copy("gather", _one("gather", gather_list), tensor)
    return _done(async_op, gather_list)


def scatter(
    tensor: Tensor, scatter_list: Any = None, src: int | None = None,
    group: ProcessGroup | None = None, async_op: bool = False, group_src: int | None = None,
) -> Work | None:  # fmt: skip
    """``tensor`` becomes a copy of ``scatter_list[0]``.

    Raises:
        ValueError: there is no list.
    """
    _checked("tensor", tensor)
    _check_root("scatter", src, group_src, group)
    if not scatter_list:
        raise ValueError("Argument ``scatter_list`` must be specified on source rank.")
    _copy("scatter", tensor, _one("scatter", scatter_list, "input"))
    return _done(async_op, [tensor])


def reduce_scatter(
    output: Tensor, input_list: Any, op: Any = ReduceOp.SUM, group: ProcessGroup | None = None,
    async_op: bool = False,
) -> Work | None:  # fmt: skip
    """``output`` becomes a copy of ``input_list[0]``."""
    _check_op(_checked("output", output), op)
    _check_root("reduce_scatter", None, None, group)
    _copy("reduce_scatter", output, _one("reduce_scatter", input_list, "input"))
    return _done(async_op, [output])


def reduce_scatter_single(
    output: Tensor, input: Tensor, op: Any = ReduceOp.SUM, group: ProcessGroup | None = None,
    async_op: bool = False,
) -> Work | None:  # fmt: skip
    """``output`` becomes a copy."""
    _check_op(_checked("output", output), op)
    _check_root("reduce_scatter", None, None, group)
    return _exchanged("reduce_scatter", output, input, async_op)


reduce_scatter_tensor = reduce_scatter_single


def all_to_all(
    output_tensor_list: Any, input_tensor_list: Any, group: ProcessGroup | None = None,
    async_op: bool = False,
) -> Work | None:  # fmt: skip
    """The one output becomes a copy of the one input."""
    _check_root("alltoall", None, None, group)
    to = _one("alltoall", output_tensor_list)
    _copy("alltoall", to, _one("alltoall", input_tensor_list, "input"))
    return _done(async_op, [to])


def all_to_all_single(
    output: Tensor, input: Tensor, output_split_sizes: Any = None, input_split_sizes: Any = None,
    group: ProcessGroup | None = None, async_op: bool = False,
) -> Work | None:  # fmt: skip
    """``output`` becomes a copy."""
    _check_root("alltoall", None, None, group)
    return _exchanged("alltoall", output, input, async_op)


def barrier(
    group: ProcessGroup | None = None, async_op: bool = False, device_ids: Any = None,
    timeout: Any = None,
) -> Work | None:  # fmt: skip
    """Nobody is late."""
    _check_root("barrier", None, None, group)
    return _done(async_op)


def monitored_barrier(
    group: ProcessGroup | None = None, timeout: Any = None, wait_all_ranks: bool = False
) -> None:
    """Nobody is late."""
    _check_root("barrier", None, None, group)


def _nobody(call: str) -> NotImplementedError:
    return missing(f"distributed.{call}", "there is one process, so nobody to talk to")


def send(
    tensor: Tensor, dst: int | None = None, group: ProcessGroup | None = None, tag: int = 0,
    group_dst: int | None = None,
) -> None:  # fmt: skip
    """Refused: in PyTorch, a process that sends to itself waits for ever.

    Raises:
        NotImplementedError: always.
    """
    raise _nobody("send")


def recv(
    tensor: Tensor, src: int | None = None, group: ProcessGroup | None = None, tag: int = 0,
    group_src: int | None = None,
) -> int:  # fmt: skip
    """Refused, see ``send``.

    Raises:
        NotImplementedError: always.
    """
    raise _nobody("recv")


def isend(
    tensor: Tensor, dst: int | None = None, group: ProcessGroup | None = None, tag: int = 0,
    group_dst: int | None = None,
) -> Work | None:  # fmt: skip
    """Refused, see ``send``.

    Raises:
        NotImplementedError: always.
    """
    raise _nobody("isend")


def irecv(
    tensor: Tensor, src: int | None = None, group: ProcessGroup | None = None, tag: int = 0,
    group_src: int | None = None,
) -> Work | None:  # fmt: skip
    """Refused, see ``send``.

    Raises:
        NotImplementedError: always.
    """
    raise _nobody("irecv")


# --- Python objects --------------------------------------------------------------------------------------


def all_gather_object(object_list: list[Any], obj: Any, group: ProcessGroup | None = None) -> None:
    """``object_list[0]`` becomes a copy, as one that was pickled."""
    _check_root("allgather", None, None, group)
    object_list[0] = copy.deepcopy(obj)


def gather_object(
    obj: Any, object_gather_list: list[Any] | None = None, dst: int | None = None,
    group: ProcessGroup | None = None, group_dst: int | None = None,
) -> None:  # fmt: skip
    """``object_gather_list[0]`` becomes a copy.

    Raises:
        ValueError: there is no list.
    """
    _check_root("gather", dst, group_dst, group)
    if not object_gather_list:
        raise ValueError("Argument ``gather_list`` must be specified on destination rank.")
    object_gather_list[0] = copy.deepcopy(obj)


def broadcast_object_list(
    object_list: list[Any], src: int | None = None, group: ProcessGroup | None = None,
    device: Any = None, group_src: int | None = None,
) -> None:  # fmt: skip
    """Everybody has them already."""
    _check_root("broadcast", src, group_src, group)


def scatter_object_list(
    scatter_object_output_list: list[Any], scatter_object_input_list: list[Any] | None = None,
    src: int | None = None, group: ProcessGroup | None = None, group_src: int | None = None,
) -> None:  # fmt: skip
    """The one output becomes a copy of the one input.

    Raises:
        ValueError: there is no input.
    """
    _check_root("scatter", src, group_src, group)
    if not scatter_object_input_list:
        raise ValueError("Argument ``scatter_list`` must be specified on source rank.")
    scatter_object_output_list[0] = copy.deepcopy(scatter_object_input_list[0])
