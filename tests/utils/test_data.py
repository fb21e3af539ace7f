"""Datasets, samplers, collate and the single-process loader, each against PyTorch's own."""

from __future__ import annotations

import collections
import warnings

import numpy as np
import pytest
import torch
import torch.utils.data as real

import torchlike
import torchlike.utils.data as ours
from torchlike.utils.data._utils.collate import default_collate_fn_map
from torchlike.utils.data._utils.fetch import gathered

SIDES = ((torch, real), (torchlike, ours))
Point = collections.namedtuple("Point", ["x", "y"])


def plain(value):
    """Tensors as (dtype, numbers), containers with their kind: comparable across both libraries."""
    if hasattr(value, "tolist") and hasattr(value, "dtype"):
        return str(value.dtype), value.tolist()
    if isinstance(value, dict):
        return type(value).__name__, [(k, plain(v)) for k, v in value.items()]
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [plain(v) for v in value]
    return value


def on_both(program):
    """What ``program(torch, torch.utils.data)`` returns or raises, the same on both sides."""
    results = []
    for t, d in SIDES:
        t.manual_seed(7)
        try:
            results.append(plain(program(t, d)))
        except Exception as error:
            results.append((type(error).__name__, str(error)))
    assert results[1] == results[0]
    return results[1]


def dataset(t, d, n=20):
    return d.TensorDataset(t.arange(n), t.arange(2.0 * n).reshape(n, 2))


@pytest.mark.parametrize(
    "options",
    [
        {"batch_size": 6},
        {"batch_size": 6, "shuffle": True},
        {"batch_size": 6, "shuffle": True, "drop_last": True},
        {"batch_size": None},
        {"batch_size": None, "shuffle": True},
        {"batch_size": 3, "sampler": [4, 1, 19, 0]},
        {"batch_sampler": [[1, 2], [3], [19, 0, 4]]},
        {"batch_size": 30, "pin_memory": False},
        {"batch_size": 4, "collate_fn": lambda batch: [int(x) for x, _ in batch]},
    ],
    ids=lambda options: " ".join(options),  # no address of a function: workers must agree on names
)
def test_batches_and_what_is_left_of_the_generator(options):
    def program(t, d):
        loader = d.DataLoader(dataset(t, d), **options)
        first, second = list(loader), list(loader)
        return [len(loader), first, second, t.rand(3)]

    on_both(program)


@pytest.mark.parametrize("seed", [0, 1, -5, 2**63 - 1])
def test_a_generator_of_its_own(seed):
    def program(t, d):
        generator = t.Generator().manual_seed(seed)
        loader = d.DataLoader(dataset(t, d), batch_size=7, shuffle=True, generator=generator)
        return [list(loader), list(loader), generator.get_state()[:64], t.rand(1)]

    on_both(program)


SAMPLERS = {
    "sequential": lambda t, d: d.SequentialSampler(range(5)),
    "random": lambda t, d: d.RandomSampler(range(11)),
    "random_more": lambda t, d: d.RandomSampler(range(5), num_samples=13),
    "random_replacement": lambda t, d: d.RandomSampler(range(9), replacement=True, num_samples=75),
    "random_exact": lambda t, d: d.RandomSampler(range(4), num_samples=8),
    "random_generator": lambda t, d: d.RandomSampler(
        range(9), generator=t.Generator().manual_seed(3)
    ),
    "subset": lambda t, d: d.SubsetRandomSampler([5, 1, 8, 2]),
    "weighted": lambda t, d: d.WeightedRandomSampler([0.1, 0.5, 2.0, 0.0], 25),
    "weighted_once": lambda t, d: d.WeightedRandomSampler([0.1, 0.5, 2.0], 2, replacement=False),
    "batch": lambda t, d: d.BatchSampler(d.SequentialSampler(range(10)), 3, False),
    "batch_drop": lambda t, d: d.BatchSampler(d.RandomSampler(range(10)), 3, True),
    "batch_exact": lambda t, d: d.BatchSampler(range(9), 3, True),
}


@pytest.mark.parametrize("name", SAMPLERS)
def test_sampler_order(name):
    def program(t, d):
        sampler = SAMPLERS[name](t, d)
        return [len(sampler), list(sampler), list(sampler), t.rand(2)]

    on_both(program)


@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize(("length", "replicas"), [(10, 3), (12, 4), (3, 7), (11, 2)])
def test_distributed_sampler(length, replicas, shuffle, drop_last):
    if drop_last and length < replicas:
        length += replicas

    def program(t, d):
        found = []
        for rank in range(replicas):
            sampler = d.DistributedSampler(
                range(length), replicas, rank, shuffle=shuffle, seed=4, drop_last=drop_last
            )
            sampler.set_epoch(2)
            found.append([len(sampler), list(sampler)])
        return found

    on_both(program)


@pytest.mark.parametrize(
    "lengths", [[5, 15], [0.3, 0.3, 0.4], [0.25, 0.75], [20], [1, 19], [0.1] * 10], ids=str
)
def test_random_split(lengths):
    def program(t, d):
        parts = d.random_split(dataset(t, d), lengths)
        generator = t.Generator().manual_seed(42)
        again = d.random_split(range(20), lengths, generator=generator)
        return [[p.indices for p in parts], [p.indices for p in again], t.rand(2)]

    on_both(program)


def test_random_split_warns_about_empty_parts():
    with pytest.warns(UserWarning, match="Length of split at index 2 is 0"):
        ours.random_split(range(2), [0.4, 0.4, 0.2])


ERRORS = {
    "negative workers": lambda t, d: d.DataLoader([1], num_workers=-1),
    "negative timeout": lambda t, d: d.DataLoader([1], timeout=-1),
    "prefetch without workers": lambda t, d: d.DataLoader([1], prefetch_factor=2),
    "persistent without workers": lambda t, d: d.DataLoader([1], persistent_workers=True),
    "sampler and shuffle": lambda t, d: d.DataLoader([1], sampler=[0], shuffle=True),
    "batch_sampler and size": lambda t, d: d.DataLoader([1], batch_sampler=[[0]], batch_size=2),
    "no batches, drop_last": lambda t, d: d.DataLoader([1], batch_size=None, drop_last=True),
    "context without workers": lambda t, d: d.DataLoader([1], multiprocessing_context="spawn"),
    "timeout without workers": lambda t, d: iter(d.DataLoader([1], timeout=3)),
    "batch_size 0": lambda t, d: d.DataLoader([1], batch_size=0),
    "batch_size True": lambda t, d: d.DataLoader([1], batch_size=True),
    "drop_last None": lambda t, d: d.BatchSampler([1], 2, None),
    "empty shuffle": lambda t, d: d.DataLoader([], shuffle=True),
    "sets of things": lambda t, d: d.default_collate([{1}, {2}]),
    "ragged lists": lambda t, d: d.default_collate([[1], [1, 2]]),
    "ragged tensors": lambda t, d: d.default_collate([t.ones(2), t.ones(3)]),
    "objects": lambda t, d: d.default_collate([np.array(["a"]), np.array(["b"])]),
    "none": lambda t, d: d.default_collate([None, None]),
    "sizes": lambda t, d: d.TensorDataset(t.ones(2), t.ones(3)),
    "split": lambda t, d: d.random_split(range(5), [2, 2]),
    "fraction": lambda t, d: d.random_split(range(5), [1.5, -0.5]),
    "concat nothing": lambda t, d: d.ConcatDataset([]),
    "concat index": lambda t, d: d.ConcatDataset([[1, 2]])[-3],
    "stack nothing": lambda t, d: d.StackDataset(),
    "stack both": lambda t, d: d.StackDataset([1], a=[1]),
    "stack sizes": lambda t, d: d.StackDataset([1], [1, 2]),
    "abstract": lambda t, d: d.Dataset()[0],
    "weights": lambda t, d: d.WeightedRandomSampler([[1.0]], 2),
    "weighted count": lambda t, d: d.WeightedRandomSampler([1.0], 0),
    "weighted flag": lambda t, d: d.WeightedRandomSampler([1.0], 1, replacement=1),
    "random count": lambda t, d: d.RandomSampler([1], num_samples=-1),
    "random flag": lambda t, d: d.RandomSampler([1], replacement=2),
    "rank": lambda t, d: d.DistributedSampler(range(4), 2, 2),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    kind, text = on_both(ERRORS[name])
    assert text is not None
    assert kind.endswith("Error")


def test_attributes_are_fixed():
    def program(t, d):
        d.DataLoader([1]).batch_size = 3

    kind, text = on_both(program)
    assert (kind, text) == (
        "ValueError",
        "batch_size attribute should not be set after DataLoader is initialized",
    )


def stream(d, items):
    class Stream(d.IterableDataset):
        def __iter__(self):
            return iter(items)

        def __len__(self):
            return len(items)

    return Stream()


@pytest.mark.parametrize(
    "options",
    [
        {"batch_size": 3},
        {"batch_size": 3, "drop_last": True},
        {"batch_size": None},
        {"batch_size": 7},
    ],
    ids=str,
)
def test_streams(options):
    def program(t, d):
        loader = d.DataLoader(stream(d, list(range(7))), **options)
        return [len(loader), list(loader), list(loader)]

    on_both(program)


@pytest.mark.parametrize("options", [{"shuffle": True}, {"sampler": [0]}, {"batch_sampler": [[0]]}])
def test_streams_take_no_order(options):
    kind, _ = on_both(lambda t, d: d.DataLoader(stream(d, [1]), **options))
    assert kind == "ValueError"


def test_a_stream_that_is_longer_than_it_says_warns():
    class Liar(ours.IterableDataset):
        def __iter__(self):
            return iter(range(3))

        def __len__(self):
            return 1

    loader = ours.DataLoader(Liar(), batch_size=None)
    assert len(loader) == 1
    with pytest.warns(UserWarning, match="Length of IterableDataset .* was reported to be 1"):
        assert list(loader) == [0, 1, 2]


def test_combined_datasets():
    def program(t, d):
        a, b = dataset(t, d, 3), dataset(t, d, 4)
        both = a + b
        chain = stream(d, [1, 2]) + stream(d, [3])
        stack = d.StackDataset(x=a, y=d.Subset(b, [2, 1, 0]))
        pair = d.StackDataset([1, 2], [3, 4])
        return [
            [len(both), both[0], both[-1], both[5], both.cumulative_sizes],
            [len(chain), list(chain)],
            [len(stack), stack[1], stack.__getitems__([0, 2]), pair[1], pair.__getitems__([1, 0])],
            list(d.DataLoader(stack, batch_size=2)),
            list(d.DataLoader(d.Subset(d.Subset(b, [3, 1, 2]), [2, 0]), batch_size=2)),
        ]

    on_both(program)


def test_a_subset_with_its_own_getitem_needs_getitems():
    def program(t, d):
        class Mine(d.Subset):
            def __getitem__(self, idx):
                return 0

        return Mine([1], [0])

    kind, text = on_both(program)
    assert kind == "NotImplementedError"
    assert "overrides __getitem__ but not __getitems__" in text


COLLATED = {
    "ints": [1, 2],
    "floats": [0.5, 1.5],
    "bools": [True, False],
    "text": ["a", "b"],
    "bytes": [b"a", b"b"],
    "tuples": [(1, 2.0), (3, 4.0)],
    "lists": [[1, "x"], [2, "y"]],
    "dicts": [{"a": 1, "b": [2.0, 3]}, {"a": 4, "b": [5.0, 6]}],
    "named": [Point(1, 2.0), Point(3, 4.0)],
    "arrays": [np.ones((2, 2), np.float32), np.zeros((2, 2), np.float32)],
    "scalars": [np.float32(1), np.float32(2)],
    "numpy ints": [np.int16(1), np.int16(2)],
    "0-d arrays": [np.array(1.0), np.array(2.0)],
    "ordered": [collections.OrderedDict(a=1), collections.OrderedDict(a=2)],
    "nested": [{"p": Point(np.ones(1), ("q", True))}, {"p": Point(np.zeros(1), ("r", False))}],
}


@pytest.mark.parametrize("name", COLLATED)
def test_default_collate(name):
    on_both(lambda t, d: d.default_collate(COLLATED[name]))


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16", "int64", "bool", "uint8"])
def test_default_collate_of_tensors(dtype):
    def program(t, d):
        rows = [t.ones(2, 3).to(getattr(t, dtype)), t.zeros(2, 3).to(getattr(t, dtype))]
        scalars = [t.tensor(1).to(getattr(t, dtype)) for _ in range(3)]
        return [d.default_collate(rows), d.default_collate(scalars)]

    on_both(program)


def test_collated_gradients_flow():
    x = torchlike.ones(2, requires_grad=True)
    batch = ours.default_collate([x * 2, x * 3])
    batch.sum().backward()
    assert x.grad.tolist() == [5.0, 5.0]


def test_collated_tensors_are_copies():
    rows = [torchlike.zeros(2), torchlike.zeros(2)]
    batch = ours.default_collate(rows)
    batch += 1
    assert rows[0].tolist() == [0.0, 0.0]


@pytest.mark.parametrize("name", [*COLLATED, "range", "mixed"])
def test_default_convert(name):
    extra = {"range": range(3), "mixed": {"a": (np.ones(1), "x"), "b": [np.float64(1), None]}}
    on_both(lambda t, d: d.default_convert(COLLATED.get(name, extra.get(name))))


def test_registered_types_are_collated():
    class Mine:
        pass

    default_collate_fn_map[Mine] = lambda batch, *, collate_fn_map=None: f"{len(batch)} of mine"
    try:
        assert ours.default_collate([Mine(), Mine()]) == "2 of mine"
    finally:
        del default_collate_fn_map[Mine]


def test_whole_batches_are_gathered_only_where_nothing_can_tell():
    data = dataset(torchlike, ours)
    assert gathered(data, [3, 1])[0].tolist() == [3, 1]
    assert gathered(ours.Subset(data, [5, 6, 7]), [2, 0])[0].tolist() == [7, 5]
    assert gathered(data, [-1]) is None
    assert gathered(data, [20]) is None
    assert gathered(data, [True]) is None

    class Mine(ours.TensorDataset):
        pass

    assert gathered(Mine(torchlike.ones(3)), [0]) is None
    assert gathered(ours.TensorDataset(torchlike.ones(3, requires_grad=True)), [0]) is None


def test_a_dataset_over_numpy_memory_sees_writes():
    array = np.zeros(4, np.float32)
    loader = ours.DataLoader(ours.TensorDataset(torchlike.from_numpy(array)), batch_size=4)
    array[2] = 5
    ((batch,),) = list(loader)
    assert batch.tolist() == [0, 0, 5, 0]
    array[2] = 6
    assert batch.tolist() == [0, 0, 5, 0]


def test_pin_memory_without_accelerator_warns():
    loader = ours.DataLoader([1, 2], pin_memory=True)
    with pytest.warns(UserWarning, match="no accelerator is found"):
        assert [b.tolist() for b in loader] == [[1], [2]]


def test_iterators_are_not_pickled():
    import pickle

    with pytest.raises(NotImplementedError, match="cannot be pickled"):
        pickle.dumps(iter(ours.DataLoader([1])))


def test_cummulative_sizes_is_deprecated():
    with pytest.warns(FutureWarning, match="renamed to `cumulative_sizes`"):
        assert ours.ConcatDataset([[1], [2, 3]]).cummulative_sizes == [1, 3]


def test_signatures_are_pytorchs():
    import inspect

    for name in real.__all__:
        if not hasattr(ours, name) or name.startswith("_"):
            continue
        theirs = inspect.signature(getattr(real, name))
        mine = inspect.signature(getattr(ours, name))
        assert list(mine.parameters) == list(theirs.parameters), name
        for p, q in zip(mine.parameters.values(), theirs.parameters.values(), strict=True):
            if name != "random_split":  # its default is each library's own generator
                assert (p.default, p.kind) == (q.default, q.kind), (name, p.name)


def test_warnings_are_silent_by_default():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        list(ours.DataLoader(dataset(torchlike, ours), batch_size=5, shuffle=True))
