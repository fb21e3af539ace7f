"""The part of a dataset that one process of a distributed job takes."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any

from ...core.rng import Generator
from ...distributed.groups import get_rank, get_world_size
from .sampler import Sampler


class DistributedSampler(Sampler[Any]):
    """Every ``num_replicas``-th index from ``rank`` on, the same count in every process.

    ``set_epoch`` before each pass changes the order.

    Raises:
        ValueError: ``rank`` is out of range, or it is not given and there is no process group.
    """

    def __init__(
        self,
        dataset: Any,
        num_replicas: int | None = None,
        rank: int | None = None,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
    ) -> None:
        if num_replicas is None:
            num_replicas = get_world_size()
        if rank is None:
            rank = get_rank()
        if rank >= num_replicas or rank < 0:
            raise ValueError(
                f"Invalid rank {rank}, rank should be in the interval [0, {num_replicas - 1}]"
            )
        self.dataset = dataset
        self.num_replicas = num_replicas
        self.rank = rank
        self.epoch = 0
        self.drop_last = drop_last
        length = len(dataset)
        if drop_last and length % num_replicas != 0:
            self.num_samples = math.ceil((length - num_replicas) / num_replicas)
        else:
            self.num_samples = math.ceil(length / num_replicas)
        self.total_size = self.num_samples * num_replicas
        self.shuffle = shuffle
        self.seed = seed

    def __iter__(self) -> Iterator[Any]:
        if self.shuffle:
            generator = Generator().manual_seed(self.seed + self.epoch)
            indices = generator.permutation(len(self.dataset)).tolist()
        else:
            indices = list(range(len(self.dataset)))
        # Without drop_last the first indices come again until every process has as many
        indices = list(itertools.islice(itertools.cycle(indices), self.total_size))
        return iter(indices[self.rank : self.total_size : self.num_replicas])

    def __len__(self) -> int:
        return self.num_samples

    def set_epoch(self, epoch: int) -> None:
        """The number that, added to the seed, decides the order of the next pass."""
        self.epoch = epoch
