"""From a batch of indices to a batch of samples; the same code in the loader and its workers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ....core.build import from_host
from ....core.device import cpu
from ....core.tensor import Tensor
from ..dataset import Subset, TensorDataset
from .collate import (
    collate_tensor_fn,
    default_collate,
    default_collate_fn_map,
    host_contents,
    is_plain_on_host,
)


class Fetcher:
    """Fetches and collates from a map-style dataset."""

    def __init__(
        self, dataset: Any, auto_collation: bool, collate_fn: Callable[[Any], Any], drop_last: bool
    ) -> None:
        self.dataset = dataset
        self.auto_collation = auto_collation
        self.collate_fn = collate_fn
        self.drop_last = drop_last

    def fetch(self, index: Any) -> Any:
        if not self.auto_collation:
            return self.collate_fn(self.dataset[index])
        if self.collate_fn is default_collate:
            rows = gathered(self.dataset, index)
            if rows is not None:
                return rows
        if getattr(self.dataset, "__getitems__", None):
            return self.collate_fn(self.dataset.__getitems__(index))
        return self.collate_fn([self.dataset[i] for i in index])


class IterableFetcher(Fetcher):
    """Fetches and collates from a stream; StopIteration at its end."""

    def __init__(
        self, dataset: Any, auto_collation: bool, collate_fn: Callable[[Any], Any], drop_last: bool
    ) -> None:
        super().__init__(dataset, auto_collation, collate_fn, drop_last)
        self.dataset_iter = iter(dataset)
        self.ended = False

    def fetch(self, index: Any) -> Any:
        if self.ended:
            raise StopIteration
        if not self.auto_collation:
            return self.collate_fn(next(self.dataset_iter))
        data = []
        for _ in index:
            try:
                data.append(next(self.dataset_iter))
            except StopIteration:
                self.ended = True
                break
        if not data or (self.drop_last and len(data) < len(index)):
            raise StopIteration
        return self.collate_fn(data)


class _DatasetKind:
    Map = 0
    Iterable = 1

    @staticmethod
    def create_fetcher(
        kind: int, dataset: Any, auto_collation: bool, collate_fn: Any, drop_last: bool
    ) -> Fetcher:
        fetcher = Fetcher if kind == _DatasetKind.Map else IterableFetcher
        return fetcher(dataset, auto_collation, collate_fn, drop_last)


def gathered(dataset: Any, indices: Sequence[Any]) -> list[Tensor] | None:
    """The default batch of a TensorDataset (or Subset of one), one gather per tensor.

    None if the dataset is of another class, its tensors are not plain ones on the host, or the
    indices are not plain ints in range: then each sample is fetched, with the same result.
    """
    while type(dataset) is Subset:
        if not _all_in_range(indices, len(dataset.indices)):
            return None
        indices = [dataset.indices[i] for i in indices]
        dataset = dataset.dataset
    if (
        type(dataset) is not TensorDataset
        or default_collate_fn_map.get(Tensor) is not collate_tensor_fn
        or not _all_in_range(indices, len(dataset))
    ):
        return None
    if not all(type(t) is Tensor and is_plain_on_host(t) for t in dataset.tensors):
        return None
    rows = np.array(indices, np.intp)
    return [from_host(host_contents(t)[rows], device=cpu) for t in dataset.tensors]


def _all_in_range(indices: Any, length: int) -> bool:
    return (
        type(indices) is list
        and len(indices) > 0
        and all(type(i) is int for i in indices)
        and min(indices) >= 0
        and max(indices) < length
    )
