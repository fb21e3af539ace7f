"""The generator against PyTorch's: the same bits from the same seed, and the same state after."""

from __future__ import annotations

import copy
import pickle
import random

import ml_dtypes
import numpy as np
import pytest
import torch

import torchlike
from torchlike.core.rng import Generator, fork_rng

BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
FLOATS = {
    torch.float32: np.dtype(np.float32),
    torch.float64: np.dtype(np.float64),
    torch.float16: np.dtype(np.float16),
    torch.bfloat16: BFLOAT16,
}
INTEGERS = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool)
SIZES = (0, 1, 2, 3, 5, 15, 16, 17, 31, 32, 33, 100, 623, 624, 625, 5000)
SEEDS = (0, 1, 42, -5, 2**40 + 3, -(2**63), 2**64 - 1)


def np_type(of: torch.dtype) -> np.dtype:
    return FLOATS.get(of) or np.dtype(str(of).removeprefix("torch."))


def assert_same(ours: np.ndarray, theirs: torch.Tensor) -> None:
    if theirs.dtype == torch.bfloat16:
        assert ours.dtype == BFLOAT16
        ours, theirs = ours.view(np.int16), theirs.view(torch.int16)
    np.testing.assert_array_equal(ours, theirs.numpy(), strict=True)


class Pair:
    """Our generator and PyTorch's, drawing the same numbers in step."""

    def __init__(self, seed: int) -> None:
        self.ours = Generator().manual_seed(seed)
        self.theirs = torch.Generator().manual_seed(seed)

    def same(self, ours: np.ndarray, theirs: torch.Tensor) -> None:
        assert_same(ours, theirs)
        np.testing.assert_array_equal(self.ours.state(), self.theirs.get_state().numpy())


@pytest.fixture(params=SEEDS)
def pair(request: pytest.FixtureRequest) -> Pair:
    return Pair(request.param)


def shaped(n: int, of: torch.dtype) -> torch.Tensor:
    return torch.empty(n, dtype=of)


@pytest.mark.parametrize("of", FLOATS, ids=str)
def test_uniform(pair: Pair, of: torch.dtype):
    for n in SIZES:
        for low, high in ((0.0, 1.0), (-0.3, 0.3), (0.1, 7.0), (2.0, 2.0)):
            drawn = shaped(n, of).uniform_(low, high, generator=pair.theirs)
            pair.same(pair.ours.uniform((n,), FLOATS[of], low, high), drawn)


@pytest.mark.parametrize("of", FLOATS, ids=str)
def test_normal(pair: Pair, of: torch.dtype):
    if "AVX2" not in torch.backends.cpu.get_cpu_capability():
        pytest.skip("the float32 kernel that is reproduced here is PyTorch's AVX2 one")
    for n in SIZES:
        for mean, std in ((0.0, 1.0), (0.3, 1.7), (-5.0, 0.01), (1.0, 0.0)):
            drawn = shaped(n, of).normal_(mean, std, generator=pair.theirs)
            pair.same(pair.ours.normal((n,), FLOATS[of], mean, std), drawn)


def test_a_million_normal_numbers():
    if "AVX2" not in torch.backends.cpu.get_cpu_capability():
        pytest.skip("the float32 kernel that is reproduced here is PyTorch's AVX2 one")
    pair = Pair(3)
    drawn = torch.empty(1_000_003).normal_(0.5, 2.0, generator=pair.theirs)
    pair.same(pair.ours.normal((1_000_003,), np.dtype(np.float32), 0.5, 2.0), drawn)


@pytest.mark.parametrize("of", FLOATS, ids=str)
def test_continuous_distributions(pair: Pair, of: torch.dtype):
    ours, theirs, kind = pair.ours, pair.theirs, FLOATS[of]
    for n in SIZES:
        empty = shaped(n, of)
        pair.same(ours.exponential((n,), kind, 1.5), empty.exponential_(1.5, generator=theirs))
        pair.same(ours.cauchy((n,), kind, 0.1, 2.0), empty.cauchy_(0.1, 2.0, generator=theirs))
        pair.same(
            ours.log_normal((n,), kind, 0.1, 0.4), empty.log_normal_(0.1, 0.4, generator=theirs)
        )
        pair.same(ours.geometric((n,), kind, 0.3), empty.geometric_(0.3, generator=theirs))


def test_bernoulli(pair: Pair):
    for n in SIZES:
        for p in (0.0, 0.1, 0.5, 0.999, 1.0):
            drawn = torch.empty(n, dtype=torch.bool).bernoulli_(p, generator=pair.theirs)
            pair.same(pair.ours.bernoulli(p, (n,)), drawn)
        for of in (torch.float32, torch.float64):
            odds = torch.linspace(0, 1, n, dtype=of)
            drawn = torch.bernoulli(odds, generator=pair.theirs).bool()
            pair.same(pair.ours.bernoulli(odds.numpy(), (n,)), drawn)


@pytest.mark.parametrize("of", [*INTEGERS, torch.float32, torch.bfloat16], ids=str)
def test_small_integers(pair: Pair, of: torch.dtype):
    for n in SIZES:
        for low, high in ((0, 1), (0, 2)) if of == torch.bool else ((0, 2), (0, 100), (3, 17)):
            drawn = shaped(n, of).random_(low, high, generator=pair.theirs)
            pair.same(pair.ours.integers((n,), np_type(of), low, high), drawn)


@pytest.mark.parametrize(
    ("low", "high"),
    [(-5, 2**28 - 6), (0, 2**28), (-(2**62), 2**62 + 9), (-7, 2**40), (1, 2**63 - 1)],
)
def test_wide_integers(pair: Pair, low: int, high: int):
    for n in SIZES:
        drawn = shaped(n, torch.int64).random_(low, high, generator=pair.theirs)
        pair.same(pair.ours.integers((n,), np.dtype(np.int64), low, high), drawn)


def test_all_64_bits(pair: Pair):
    drawn = shaped(50, torch.int64).random_(-(2**63), None, generator=pair.theirs)
    pair.same(pair.ours.integers((50,), np.dtype(np.int64), -(2**63), 2**63), drawn)


@pytest.mark.parametrize("of", [*INTEGERS, *FLOATS], ids=str)
def test_full_range(pair: Pair, of: torch.dtype):
    for n in SIZES:
        drawn = shaped(n, of).random_(generator=pair.theirs)
        pair.same(pair.ours.full_range((n,), np_type(of)), drawn)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 100, 9_999, 10_000, 10_001, 60_000])
def test_permutation(n: int):
    pair = Pair(n)
    pair.same(pair.ours.permutation(n), torch.randperm(n, generator=pair.theirs))


def test_a_mixed_sequence_stays_in_step():
    """Odd counts leave half a normal pair and half a block behind; nothing may get lost."""
    pair, choose = Pair(11), random.Random(0)
    for _ in range(300):
        n = choose.choice(SIZES)
        of = choose.choice(list(FLOATS))
        if choose.random() < 0.5:
            drawn = shaped(n % 16, of).normal_(generator=pair.theirs)
            pair.same(pair.ours.normal((n % 16,), FLOATS[of]), drawn)
        else:
            drawn = shaped(n, of).log_normal_(generator=pair.theirs)
            pair.same(pair.ours.log_normal((n,), FLOATS[of], 1.0, 2.0), drawn)


def test_state_travels_both_ways():
    pair = Pair(5)
    for n in (3, 624, 1, 700):
        pair.ours.normal((n,), np.dtype(np.float64))
        torch.empty(n, dtype=torch.float64).normal_(generator=pair.theirs)
        fresh, other = Generator(), torch.Generator()
        fresh.restore(pair.theirs.get_state().numpy())
        other.set_state(torch.from_numpy(pair.ours.state()))
        assert_same(
            fresh.normal((5,), np.dtype(np.float64)),
            torch.empty(5, dtype=torch.float64).normal_(generator=other),
        )
        assert fresh.initial_seed() == other.initial_seed() == 5


def test_copies_are_independent():
    generator = Generator().manual_seed(9)
    generator.normal((3,))
    twins = [
        copy.deepcopy(generator),
        pickle.loads(pickle.dumps(generator)),
        generator.clone_state(),
    ]
    expected = generator.normal((5,))
    for twin in twins:
        np.testing.assert_array_equal(twin.normal((5,)), expected)


def test_rejection_draws_count_exactly():
    one, other = Generator().manual_seed(2), Generator().manual_seed(2)
    with one.doubles(4) as uniform:
        drawn = [uniform() for _ in range(150)]
    assert drawn == other.uniform64(150).tolist()
    assert np.array_equal(one.state(), other.state())


@pytest.mark.parametrize("seed", ["a", 1.5, True, None, 2**64, -(2**63) - 1])
def test_bad_seed(seed: object):
    with pytest.raises((RuntimeError, ValueError)) as theirs:
        torch.Generator().manual_seed(seed)  # type: ignore[arg-type]
    generator = Generator().manual_seed(4)
    before = generator.state()
    with pytest.raises(theirs.type) as ours:
        generator.manual_seed(seed)  # type: ignore[arg-type]
    assert str(ours.value) == str(theirs.value)
    np.testing.assert_array_equal(generator.state(), before)


@pytest.mark.parametrize("kind", ["short", "float", "number", "zeros"])
def test_bad_state(kind: str):
    def state(module):
        return {
            "short": module.zeros(5, dtype=module.uint8),
            "float": module.zeros(5056),
            "number": 3,
            "zeros": module.zeros(5056, dtype=module.uint8),
        }[kind]

    with pytest.raises((RuntimeError, TypeError)) as theirs:
        torch.Generator().set_state(state(torch))
    with pytest.raises(theirs.type) as ours:
        Generator().set_state(state(torchlike))
    assert str(ours.value).splitlines()[0] == str(theirs.value).splitlines()[0]


def test_default_generator():
    assert Generator().initial_seed() == torch.Generator().initial_seed()
    torchlike.manual_seed(-3)
    assert torchlike.initial_seed() == 2**64 - 3
    before = torchlike.get_rng_state()
    first = torchlike.rand(4).tolist()
    torchlike.set_rng_state(before)
    assert torchlike.rand(4).tolist() == first
    with fork_rng():
        torchlike.seed()
        torchlike.rand(3)
    torchlike.set_rng_state(before)
    assert torchlike.rand(4).tolist() == first
