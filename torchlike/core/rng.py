"""PyTorch's CPU generator, bit for bit: a Mersenne Twister, drawn as whole NumPy arrays.

Differs: on Intel processors PyTorch may draw ``bernoulli_(p)`` and ``exponential_`` from MKL's
streams; torchlike draws what PyTorch draws on every other processor.
"""

from __future__ import annotations

import contextlib
import math
import operator
import secrets
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from .box_muller import normal32, normal64, unit_circle
from .device import device as Device, placed
from .rounding import BFLOAT16, REDUCED, fma64, narrowed
from .shuffle import shuffled

DEFAULT_SEED = 67280421310721
_N = 624
_STATE_BYTES = 5056
_STATE = np.dtype(
    {
        "names": ["seed", "left", "seeded", "next", "key", "normal", "has_normal"],
        "formats": ["<u8", "<i4", "<i4", "<u8", ("<u8", _N), "<f8", "<i4"],
        "offsets": [0, 8, 12, 16, 24, 5024, 5040],
        "itemsize": _STATE_BYTES,
    }
)
_WIDE = (np.dtype(np.float64), np.dtype(np.int64))
_DIGITS = {
    np.dtype(np.float16): 11,
    BFLOAT16: 8,
    np.dtype(np.float32): 24,
    np.dtype(np.float64): 53,
}
_LOW53 = np.uint64((1 << 53) - 1)
_HALF = np.uint64(32)
_FEW = 2000  # below, ``random_raw`` is many times faster than ``integers``; above, a bit slower
_LOW24 = np.uint32((1 << 24) - 1)

Shape = Sequence[int]


class _Tensors:
    """How a state becomes a Tensor and back; the Tensor level puts its own functions here."""

    wrap: Callable[[np.ndarray], Any] = staticmethod(lambda state: state)
    unwrap: Callable[[Any], np.ndarray] = staticmethod(np.asarray)


def install_tensors(wrap: Callable[[np.ndarray], Any], unwrap: Callable[[Any], np.ndarray]) -> None:
    """Sets how ``get_state`` makes its uint8 array a Tensor and ``set_state`` takes one apart."""
    _Tensors.wrap, _Tensors.unwrap = staticmethod(wrap), staticmethod(unwrap)


class Generator:
    """``torch.Generator``: a seed, a Mersenne Twister and half a pair of normal numbers."""

    def __init__(self, device: Any = "cpu") -> None:
        self._device = placed(Device(device))
        self._bits = np.random.MT19937(0)
        self._ints = np.random.Generator(self._bits).integers
        self.manual_seed(DEFAULT_SEED)

    @property
    def device(self) -> Device:
        return self._device

    # Seeds and states

    def manual_seed(self, seed: int) -> Generator:
        """Starts the stream of ``seed``; a negative one means ``2**64 + seed``.

        Raises:
            RuntimeError: not an int.
            ValueError: out of 64 bits.
        """
        if isinstance(seed, bool) or not hasattr(type(seed), "__index__"):
            raise RuntimeError(f"manual_seed expected a long, but got {type(seed).__name__}")
        seed = operator.index(seed)
        if not -(1 << 63) <= seed < 1 << 64:
            raise ValueError("Overflow when unpacking long long")
        self._seed = seed & 0xFFFFFFFFFFFFFFFF
        self._bits._legacy_seeding(seed & 0xFFFFFFFF)
        self._normal: float | None = None
        return self

    def seed(self) -> int:
        """Starts from a seed that the operating system chose, and returns it."""
        chosen = secrets.randbits(64)
        self.manual_seed(chosen)
        return chosen

    def initial_seed(self) -> int:
        return self._seed

    def state(self) -> np.ndarray:
        """The state in PyTorch's layout.  ``-> (5056,)`` uint8"""
        inner = self._bits.state["state"]
        record = np.zeros((), _STATE)
        at = int(inner["pos"])
        fresh = at == _N and int(inner["key"][0]) == self._seed & 0xFFFFFFFF
        record["seed"], record["seeded"], record["key"] = self._seed, 1, inner["key"]
        record["left"], record["next"] = (1, 0) if fresh else (_N + 1 - at, at)
        if self._normal is not None:
            record["normal"], record["has_normal"] = self._normal, 1
        return np.frombuffer(bytearray(record.tobytes()), np.uint8)

    def restore(self, state: np.ndarray) -> None:
        """Continues from a state in PyTorch's layout.

        Raises:
            TypeError: not uint8.
            RuntimeError: wrong size or content.
        """
        if state.dtype != np.uint8:
            raise TypeError("RNG state must be a torch.ByteTensor")
        if state.size != _STATE_BYTES:
            raise RuntimeError(
                f"Expected a CPUGeneratorImplState of size {_STATE_BYTES} but found the input RNG "
                f"state size to be {state.size}"
            )
        record = np.frombuffer(state.tobytes(), _STATE)[0]
        left, at = int(record["left"]), int(record["next"])
        if record["seeded"] != 1 or not 0 < left <= _N or at > _N:
            raise RuntimeError("Invalid mt19937 state")
        self._seed = int(record["seed"])
        key = record["key"].astype(np.uint32)
        self._bits.state = {
            "bit_generator": "MT19937",
            "state": {"key": key, "pos": _N if left == 1 else at},
        }
        self._normal = float(record["normal"]) if record["has_normal"] else None

    def get_state(self) -> Any:
        """The state as a uint8 Tensor.  ``-> (5056,)``"""
        return _Tensors.wrap(self.state())

    def set_state(self, new_state: Any) -> Generator:
        """Continues from ``new_state``.

        Raises:
            TypeError: no uint8 tensor.
            RuntimeError: wrong size or content.
        """
        if not hasattr(new_state, "dtype"):
            raise TypeError(f"expected a torch.ByteTensor, but got {type(new_state).__name__}")
        self.restore(_Tensors.unwrap(new_state))
        return self

    def clone_state(self) -> Generator:
        twin = Generator(self.device)
        twin.restore(self.state())
        return twin

    def graphsafe_get_state(self) -> Any:
        raise NotImplementedError("graphsafe_get_state is not supported in this Generator")

    def graphsafe_set_state(self, state: Any) -> Any:
        raise NotImplementedError("graphsafe_set_state is not supported in this Generator")

    def get_offset(self) -> int:
        raise RuntimeError("CPU Generator does not use offset")

    def set_offset(self, offset: int) -> None:
        raise RuntimeError("CPU Generator does not use offset")

    def __deepcopy__(self, memo: Any) -> Generator:
        return self.clone_state()

    def __reduce__(self) -> tuple[Any, ...]:
        return Generator, (self.device,), self.state()

    def __setstate__(self, state: np.ndarray) -> None:
        self.restore(state)

    def __repr__(self) -> str:
        return f"<torch._C.Generator object at {hex(id(self))}>"

    # Bits

    def random32(self, n: int) -> np.ndarray:
        """The next n draws of 32 bits.  ``-> (n,)`` uint32"""
        if n < _FEW:
            return self._bits.random_raw(n).astype(np.uint32)
        return self._ints(0xFFFFFFFF, size=n, dtype=np.uint32, endpoint=True)

    def random64(self, n: int) -> np.ndarray:
        """The next n draws of 64 bits, high half first.  ``-> (n,)`` uint64"""
        if n < _FEW:
            halves = self._bits.random_raw(2 * n)
            return (halves[::2] << _HALF) | halves[1::2]
        return self._ints(0xFFFFFFFFFFFFFFFF, size=n, dtype=np.uint64, endpoint=True)

    def key(self) -> np.ndarray:
        """Data of a JAX key, for draws inside compiled programs.  ``-> (2,)`` uint32"""
        return self.random32(2)

    @contextlib.contextmanager
    def doubles(self, expected: int) -> Iterator[Callable[[], float]]:
        """A function that gives the next float64 in [0, 1), for sampling by rejection."""
        before = self._bits.state
        drawn: list[float] = []
        used = 0

        def following() -> float:
            nonlocal used, drawn
            if used == len(drawn):
                drawn += self.uniform64(max(len(drawn), expected, 64)).tolist()
            used += 1
            return drawn[used - 1]

        try:
            yield following
        finally:
            self._bits.state = before
            self._bits.random_raw(2 * used, output=False)

    # Continuous

    def uniform64(self, n: int) -> np.ndarray:
        """Float64 in [0, 1).  ``-> (n,)``"""
        bits = self.random64(n)
        bits &= _LOW53
        return bits * (2.0**-53)

    def uniform32(self, n: int) -> np.ndarray:
        """Float32 in [0, 1).  ``-> (n,)``"""
        bits = self.random32(n)
        bits &= _LOW24
        numbers = bits.astype(np.float32)
        numbers *= np.float32(2.0**-24)
        return numbers

    def uniform(
        self, shape: Shape, dtype: np.dtype = _WIDE[0], low: float = 0.0, high: float = 1.0
    ) -> np.ndarray:
        """``low + (high - low) u``, u in [0, 1)."""
        n = math.prod(shape)
        unit = low == 0 and high == 1
        if dtype == np.float64:
            numbers = self.uniform64(n)
            if not unit:
                numbers = fma64(numbers, high - low, low)
        else:
            numbers = self.uniform32(n)
            if not unit:
                lowest = np.float32(low)
                spread = np.float64(np.float32(high) - lowest)
                numbers = (numbers * spread + np.float64(lowest)).astype(np.float32)
            numbers = numbers.astype(dtype, copy=False)
        if unit and dtype not in REDUCED:
            return numbers.reshape(shape)
        top = np.asarray(high).astype(dtype)
        rounded_up = numbers == top
        if rounded_up.any():
            numbers[rounded_up] = np.asarray(low).astype(dtype)
        return numbers.reshape(shape)

    def normal(
        self, shape: Shape, dtype: np.dtype = _WIDE[0], mean: float = 0.0, std: float = 1.0
    ) -> np.ndarray:
        """``mean + std z`` by Box and Muller: blocks of 16, or one by one below 16 elements."""
        n = math.prod(shape)
        if n < 16:
            pairs = self._normals(n, mean, std)
            return narrowed(pairs, dtype).reshape(shape)
        wide = dtype == np.float64
        draw, turn = (self.uniform64, normal64) if wide else (self.uniform32, normal32)
        whole = n - n % 16
        if whole == n or dtype in REDUCED:
            numbers = turn(draw(whole), mean, std)
        else:
            numbers = draw(n)
            turn(numbers[:whole], mean, std)
        if whole != n:  # PyTorch draws the last 16 again
            again = turn(draw(16), mean, std)
            numbers = np.concatenate([numbers[: n - 16], again])
        return numbers.astype(dtype, copy=False).reshape(shape)

    def next_normal(self, uniform: Callable[[], float]) -> float:
        """One standard normal number; the second of a pair is kept for the next call."""
        kept, self._normal = self._normal, None
        if kept is not None:
            return kept
        turn, u = uniform(), uniform()
        radius = math.sqrt(-2.0 * math.log1p(-u))
        angle = 2.0 * math.pi * turn
        self._normal = radius * math.sin(angle)
        return radius * math.cos(angle)

    def _normals(self, n: int, mean: float, std: float) -> np.ndarray:
        """n float64 normal numbers, drawn in pairs, the odd one out kept.  ``-> (n,)``"""
        if n < 16:
            return self._few_normals(n, mean, std)
        kept = [] if self._normal is None else [self._normal]
        pairs = (n - len(kept) + 1) // 2
        numbers = np.empty(2 * pairs + len(kept))
        numbers[: len(kept)] = kept
        u = self.uniform64(2 * pairs)
        radius = np.sqrt(-2.0 * np.log1p(-u[1::2]))
        turn = unit_circle(2.0 * math.pi * u[::2])
        numbers[len(kept) :: 2] = radius * turn.real
        numbers[len(kept) + 1 :: 2] = radius * turn.imag
        self._normal = float(numbers[n]) if len(numbers) > n else None
        return fma64(numbers[:n], float(std), float(mean))

    def _few_normals(self, n: int, mean: float, std: float) -> np.ndarray:
        """The same one by one, which for a few is faster."""
        missing = n - (self._normal is not None)
        uniforms = iter(self.uniform64(2 * ((missing + 1) // 2)).tolist() if missing > 0 else ())
        numbers = np.array([self.next_normal(uniforms.__next__) for _ in range(n)], np.float64)
        return fma64(numbers, float(std), float(mean))

    def log_normal(self, shape: Shape, dtype: np.dtype, mean: float, std: float) -> np.ndarray:
        """``exp(mean + std z)``."""
        numbers = np.exp(self._normals(math.prod(shape), mean, std))
        return narrowed(numbers, dtype).reshape(shape)

    def exponential(self, shape: Shape, dtype: np.dtype, rate: float = 1.0) -> np.ndarray:
        """``-log(1 - u) / rate``."""
        u = self.uniform64(math.prod(shape))
        factor = -1.0 / rate if rate else -math.inf
        return narrowed(factor * np.log1p(-u), dtype).reshape(shape)

    def cauchy(self, shape: Shape, dtype: np.dtype, median: float, sigma: float) -> np.ndarray:
        """``median + sigma tan(π (u - 1/2))``."""
        u = self.uniform64(math.prod(shape))
        numbers = fma64(np.tan(math.pi * (u - 0.5)), sigma, median)
        return narrowed(numbers, dtype).reshape(shape)

    # Discrete

    def geometric(self, shape: Shape, dtype: np.dtype, p: float) -> np.ndarray:
        """``ceil(log u / log(1 - p))``."""
        u = self.uniform64(math.prod(shape))
        with np.errstate(divide="ignore"):
            numbers = np.ceil(np.log(u) / math.log1p(-p))
        return narrowed(numbers, dtype).reshape(shape)

    def bernoulli(self, p: float | np.ndarray, shape: Shape) -> np.ndarray:
        """``u < p``, p a number or an array of probabilities.  ``-> shape`` bool"""
        n = math.prod(shape)
        if isinstance(p, np.ndarray):
            if p.dtype == np.float64:
                return self.uniform64(n).reshape(shape) < p
            return self.uniform32(n).reshape(shape) < p.astype(np.float32)
        bits = self.random64(n)
        bits &= _LOW53
        return (bits < np.uint64(math.ceil(float(p) * 2.0**53))).reshape(shape)

    def integers(self, shape: Shape, dtype: np.dtype, low: int, high: int) -> np.ndarray:
        """Whole numbers in [low, high), up to 2**64 of them; one draw below 2**28, else two."""
        n, span = math.prod(shape), high - low
        if span >= 1 << 64:
            return self.random64(n).astype(np.int64).astype(dtype).reshape(shape)
        if span >= 1 << 28:
            numbers = _below(self.random64(n), np.uint64(span)).astype(np.int64)
        else:
            numbers = _below(self.random32(n), np.uint32(span)).astype(np.int64)
        if low:
            numbers += np.int64(low)
        return numbers.astype(dtype, copy=False).reshape(shape)

    def full_range(self, shape: Shape, dtype: np.dtype) -> np.ndarray:
        """Whole numbers from 0 to the largest (integers) or to 2**digits (floats)."""
        n = math.prod(shape)
        bits = self.random64(n) if dtype in _WIDE else self.random32(n)
        if dtype == np.bool_:
            return (bits & 1).astype(np.bool_).reshape(shape)
        count = (1 << _DIGITS[dtype]) + 1 if dtype in _DIGITS else int(np.iinfo(dtype).max) + 1
        return _below(bits, bits.dtype.type(count)).astype(dtype).reshape(shape)

    def permutation(self, n: int) -> np.ndarray:
        """0 … n-1 shuffled as PyTorch shuffles.  ``-> (n,)`` int64"""
        if n >= 0xFFFFFFFF // 20:
            return self._large_permutation(n)
        targets = np.arange(n, dtype=np.uint32)
        if n > 1:
            targets[:-1] += self.random32(n - 1) % np.arange(n, 1, -1, dtype=np.uint32)
        return shuffled(targets)

    def _large_permutation(self, n: int) -> np.ndarray:
        order = np.empty(n, np.int64)
        targets = self.random64(n) % np.arange(1, n + 1, dtype=np.uint64)
        for i, j in enumerate(targets.astype(np.int64)):
            order[i] = order[j]
            order[j] = i
        return order


def _below(bits: np.ndarray, count: Any) -> np.ndarray:
    """``bits % count``; NumPy divides by a fixed number faster than it takes remainders."""
    if count & (count - 1) == 0:
        bits &= count - 1
        return bits
    bits -= bits // count * count
    return bits


# ---------------------------------------------------------------- the default generator

default_generator = Generator()


def manual_seed(seed: Any) -> Generator:
    """Seeds the generator that every call without ``generator=`` draws from, and returns it."""
    return default_generator.manual_seed(int(seed))


def seed() -> int:
    """Seeds the default generator with a number that the operating system chose."""
    return default_generator.seed()


def initial_seed() -> int:
    return default_generator.initial_seed()


def get_rng_state() -> Any:
    """State of the default generator.  ``-> (5056,)`` uint8"""
    return default_generator.get_state()


def set_rng_state(new_state: Any) -> None:
    default_generator.set_state(new_state)


@contextlib.contextmanager
def fork_rng(
    devices: Any = None,
    enabled: bool = True,
    _caller: str = "fork_rng",
    _devices_kw: str = "devices",
    device_type: str | None = None,
) -> Iterator[None]:
    """Puts the default generator back as it was; all devices share its state."""
    if not enabled or device_type == "meta":
        yield
        return
    before = default_generator.state()
    try:
        yield
    finally:
        default_generator.restore(before)
