"""The recorder: calls are appended to a segment, which runs as one XLA program when looked at.

Outputs of the program are exactly the values somebody still holds (weak references), so XLA fuses
the rest away. A structure seen for the first time runs op by op if its ops are compiled already; one
that returns, or whose ops would all have to be compiled anyway, is compiled whole.
"""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from .config import config
from .device import device, jax_device
from .modes import modes
from .opcall import OpCall
from .platform import compiler_options
from .value import Value, on_device

# Operand codes inside a node: 0… an earlier result, negative an external input,
# from FLOATS / INTS on a Python number, which travels packed into one vector per type.
FLOATS, INTS = 1 << 40, 1 << 41


_PACKED: dict[tuple[Any, ...], Any] = {}


class Segment:
    """Calls recorded and not yet run, of one thread and device."""

    __slots__ = (
        "count", "device", "done", "error", "floats", "input_ids", "inputs", "ints", "lock", "nodes",
        "refs", "size",
    )  # fmt: skip

    def __init__(self, on: device) -> None:
        self.device = on
        self.nodes: list[tuple[Any, ...]] = []
        self.refs: list[weakref.ref[Value]] = []
        self.inputs: list[Any] = []
        self.input_ids: dict[int, int] = {}
        self.floats: list[float] = []
        self.ints: list[int] = []
        self.count = 0
        self.size = 0
        self.done = False
        self.lock = threading.RLock()
        self.error: BaseException | None = None

    def append(self, call: OpCall, operands: Sequence[Any]) -> Any:
        """Records a call; returns its Value, or the list of them."""
        with self.lock:
            if not self.done:
                return self._append(call, operands)
        return record(call, operands)  # another thread looked, so this segment has run

    def _append(self, call: OpCall, operands: Sequence[Any]) -> Any:
        node: list[Any] = [call]
        for x in operands:
            kind = type(x)
            if kind is Value:
                if x.segment is self:
                    node.append(x.index)
                    continue
                key = id(x)
                at = self.input_ids.get(key)
                if at is None:
                    at = self.input_ids[key] = ~len(self.inputs)
                    self.inputs.append(x)
                node.append(at)
            elif kind is float:
                node.append(FLOATS + len(self.floats))
                self.floats.append(x)
            elif kind is int and -(1 << 63) <= x < 1 << 63:
                node.append(INTS + len(self.ints))
                self.ints.append(x)
            else:
                node.append(~len(self.inputs))
                self.inputs.append(x)
        self.nodes.append(tuple(node))
        avals = call.out_avals
        refs, index = self.refs, self.count
        if call.single:
            value = Value(avals[0], None, self, index)
            refs.append(weakref.ref(value))
            self.count = index + 1
            self.size += avals[0].numel
            result: Any = value
        else:
            result = [Value(a, None, self, index + k) for k, a in enumerate(avals)]
            refs.extend([weakref.ref(v) for v in result])
            self.count = index + len(avals)
            self.size += sum([a.numel for a in avals])
        is_full = len(self.nodes) >= config.segment_nodes or self.size * 4 > config.segment_bytes
        if is_full and modes.capture is None:
            self.flush()
        return result

    def append_coded(
        self, call: OpCall, codes: Sequence[int], more: Sequence[Value]
    ) -> Sequence[Value]:
        """Records a call whose operands are given by their codes, followed by ``more`` values."""
        with self.lock:
            found = self._append(call, more)
            node = self.nodes[-1]
            self.nodes[-1] = (call, *codes, *node[1:])
        return (found,) if call.single else found

    def flush(self, wanted: int | None = None) -> None:
        """Runs what was recorded; every value still held gets its array.

        If only the loss is ``wanted``, the gradients do not keep it waiting: they are computed while
        Python goes on.
        """
        with self.lock:
            if self.done:
                if self.error is not None:
                    raise self.error
                return
            if modes.capture is not None and modes.capture.segments.get(self.device) is self:
                modes.capture.looked()
            if modes.segments.get(self.device) is self:
                del modes.segments[self.device]
            live = [(i, v) for i, r in enumerate(self.refs) if (v := r()) is not None]
            try:
                if live:
                    self._run(live, wanted)
            except BaseException as error:
                self.error = error
                raise
            finally:
                self.done = True
                self.nodes, self.inputs, self.input_ids, self.refs = [], [], {}, []
                for _, value in live:
                    if value.array is not None:
                        value.segment = None

    def _run(self, live: list[tuple[int, Value]], wanted: int | None) -> None:
        cut = None if wanted is None else self._backward_after(wanted)
        key = (tuple(self.nodes), tuple([i for i, _ in live]), cut)
        program = PROGRAMS.get(key)
        if program is None:
            if not worth_compiling(self.nodes):
                PROGRAMS.note(key)
                self._op_by_op(live)
                return
            program = PROGRAMS.add(key, _compile(*key))
        arrays = [on_device(v) if type(v) is Value else v for v in self.inputs]
        try:
            results = program(
                arrays, self._packed(self.floats, np.float64), self._packed(self.ints, np.int64)
            )
        except jax.errors.JaxRuntimeError:
            self._op_by_op(live)  # to name the op, and to keep what can be computed
            return
        for (_, value), result in zip(live, results, strict=True):
            value.array = result

    def _backward_after(self, wanted: int) -> int | None:
        """Where a backward starts that result ``wanted`` does not depend on."""
        made = 0
        for k, node in enumerate(self.nodes):
            call = node[0]
            if call.is_backward and made > wanted:
                return k
            made += len(call.out_avals)
        return None

    def _packed(self, numbers: list[Any], kind: type) -> Any:
        """The numbers on the device. They seldom change from step to step, and a transfer is slow."""
        packed = np.array(numbers, kind)
        key = (self.device, kind, packed.tobytes())
        found = _PACKED.get(key)
        if found is None:
            if len(_PACKED) >= 256:
                _PACKED.clear()
            found = _PACKED[key] = jax.device_put(packed, jax_device(self.device))
        return found

    def _op_by_op(self, live: list[tuple[int, Value]]) -> None:
        wanted = dict(live)
        last = _last_uses(self.nodes)
        env: dict[int, Value] = {}
        index = 0
        for k, (call, *codes) in enumerate(self.nodes):
            operands = [self._operand(c, env) for c in codes]
            out = call.run(operands)
            for value in (out,) if call.single else out:
                env[index] = value
                if index in wanted:
                    wanted[index].array = value.array
                index += 1
            for dead in last.get(k, ()):
                del env[dead]

    def _operand(self, code: int, env: dict[int, Value]) -> Any:
        if code >= INTS:
            return self.ints[code - INTS]
        if code >= FLOATS:
            return self.floats[code - FLOATS]
        return env[code] if code >= 0 else self.inputs[~code]


def _last_uses(nodes: list[tuple[Any, ...]]) -> dict[int, list[int]]:
    """Which results die after each node."""
    last: dict[int, int] = {}
    for k, (_, *codes) in enumerate(nodes):
        for c in codes:
            if 0 <= c < FLOATS:
                last[c] = k
    found: dict[int, list[int]] = {}
    for index, k in last.items():
        found.setdefault(k, []).append(index)
    return found


def _compile(
    nodes: tuple[tuple[Any, ...], ...], outputs: tuple[int, ...], cut: int | None
) -> Callable[..., Any]:
    """``program(inputs, floats, ints) -> outputs``, or two of them if the nodes are cut."""
    if cut is None:
        whole, reads = _jitted(nodes, outputs, 0)

        def program(*given: Any) -> list[Any]:
            return whole(*_picked(reads, given, ()))

        return program
    first, rest = nodes[:cut], nodes[cut:]
    made = sum(len(node[0].out_avals) for node in first)
    early = [i for i in outputs if i < made]
    count = len(early)
    end, late_reads = _jitted(rest, outputs[count:], made)
    carried = sorted({c for c in late_reads if 0 <= c < made}.difference(early))
    start, early_reads = _jitted(first, (*early, *carried), 0)
    places = {i: k for k, i in enumerate((*early, *carried))}
    late_reads = [places.get(c, c) for c in late_reads]

    def program_and_backward(*given: Any) -> list[Any]:
        found = start(*_picked(early_reads, given, ()))
        return found[:count] + end(*_picked(late_reads, given, found))

    return program_and_backward


def _picked(codes: list[int], given: tuple[Any, ...], carried: Sequence[Any]) -> list[Any]:
    """The arrays behind codes; all floats are one array, and so are all ints."""
    inputs, floats, ints = given
    return [
        inputs[~c] if c < 0 else carried[c] if c < FLOATS else floats if c < INTS else ints
        for c in codes
    ]


def _jitted(
    nodes: tuple[tuple[Any, ...], ...], outputs: tuple[int, ...], first: int
) -> tuple[Callable[..., Any], list[int]]:
    """A program whose results are numbered from ``first`` on, and the codes of what it takes."""
    codes = {c for node in nodes for c in node[1:]}
    reads = [c for c in sorted(codes) if c < first]
    reads += [
        kind
        for kind, end in ((FLOATS, INTS), (INTS, 2 * INTS))
        if any(kind <= c < end for c in codes)
    ]

    def program(*arrays: Any) -> list[Any]:
        env = dict(zip(reads, arrays, strict=True))
        index = first
        for call, *codes in nodes:
            operands = [
                env[INTS][c - INTS] if c >= INTS else env[FLOATS][c - FLOATS] if c >= FLOATS
                else env[c]
                for c in codes
            ]  # fmt: skip
            out = call.fn(*operands)
            for x in (out,) if call.single else out:
                env[index] = x
                index += 1
        return [env[i] for i in outputs]

    kinds = {part.options for call, *_ in nodes for part in call.parts}
    return jax.jit(program, compiler_options=compiler_options(kinds)), reads


class Programs:
    """Compiled segments by structure, the least recently used dropped first."""

    def __init__(self, limit: int = 512) -> None:
        self._found: OrderedDict[Any, Callable[..., Any]] = OrderedDict()
        self._seen: OrderedDict[Any, None] = OrderedDict()
        self._limit = limit
        self._lock = threading.Lock()
        self.compiled = 0

    def get(self, key: Any) -> Callable[..., Any] | None:
        found = self._found.get(key)
        if found is None and key in self._seen:
            return self.add(key, _compile(*key))
        return found

    def note(self, key: Any) -> None:
        """Remembers a structure that ran op by op; it is compiled when it returns."""
        with self._lock:
            self._seen[key] = None
            if len(self._seen) > 4 * self._limit:
                self._seen.popitem(last=False)

    def add(self, key: Any, program: Callable[..., Any]) -> Callable[..., Any]:
        with self._lock:
            self.compiled += 1
            self._seen.pop(key, None)
            self._found[key] = program
            if len(self._found) > self._limit:
                self._found.popitem(last=False)
        return program

    def clear(self) -> None:
        self._found.clear()
        self._seen.clear()


PROGRAMS = Programs()


def worth_compiling(nodes: list[tuple[Any, ...]]) -> bool:
    """Whether a new structure is compiled at once: when many of its ops would be compiled anyway.

    An op that was met in two such structures counts as worth an executable of its own, so code whose
    structure never repeats ends up op by op, with nothing left to compile.
    """
    fresh = {part for call, *_ in nodes for part in call.parts if part.jitted is None}
    missing = [call for call in fresh if call.hot < 2]
    for call in fresh:
        call.hot += 1
    return len(missing) >= 8


def record(call: OpCall, operands: Sequence[Any]) -> Any:
    """Appends to this thread's segment of the call's device."""
    segments = modes.segments
    segment = segments.get(call.device)
    if segment is None or segment.done:
        segment = segments[call.device] = Segment(call.device)
    return segment.append(call, operands)


def finish_all() -> None:
    """Runs everything this thread has pending and waits until every array is computed."""
    flush_all()
    jax.block_until_ready(jax.live_arrays())


def flush_all() -> None:
    """Runs everything this thread has pending."""
    for segment in list(modes.segments.values()):
        segment.flush()
