"""Run by real PyTorch and by torchlike; both must print the same. Deliberately without a __main__ guard."""

import collections
import os
import random
import sys

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, IterableDataset, get_worker_info

Pair = collections.namedtuple("Pair", ["a", "b"])


class Custom:
    def __init__(self, t):
        self.t = t


class Samples(Dataset):
    def __init__(self):
        self.x = torch.arange(240.0).reshape(60, 4)

    def __len__(self):
        return 60

    def __getitem__(self, i):
        return {
            "x": self.x[i],
            "pair": Pair(i, float(i)),
            "draws": (torch.rand(2), np.random.rand(), random.random()),
            "large": np.zeros((64, 64), np.float32) + i,
            "text": str(i),
        }


def show(batch):
    return {
        "x": batch["x"].tolist(),
        "pair": (type(batch["pair"]) is Pair, batch["pair"].a.tolist(), batch["pair"].b.dtype),
        "draws": [t.tolist() for t in batch["draws"]],
        "large": (batch["large"].shape, float(batch["large"].sum())),
        "text": batch["text"],
    }


if __name__ == "__mp_main__":
    sys.exit("a worker imported the script")

torch.manual_seed(1)
for batch in DataLoader(Samples(), batch_size=20, shuffle=True, num_workers=2):
    print(show(batch))
print(torch.rand(2))


class Stream(IterableDataset):
    def __iter__(self):
        info = get_worker_info()
        return iter(range(info.id, 11, info.num_workers))


def init(worker_id):
    info = get_worker_info()
    assert (info.id, info.num_workers) == (worker_id, 2)
    info.dataset.start = 100


class Counted(Dataset):
    start = 0

    def __len__(self):
        return 6

    def __getitem__(self, i):
        return self.start + i


loader = DataLoader(Stream(), batch_size=3, num_workers=2, persistent_workers=True)
for _ in range(2):
    print([batch.tolist() for batch in loader])
loader = DataLoader(
    Counted(),
    batch_size=2,
    num_workers=2,
    worker_init_fn=init,
    persistent_workers=True,
    prefetch_factor=1,
)
for _ in range(2):
    print([batch.tolist() for batch in loader])
print(sorted(b.item() for b in DataLoader(Counted(), num_workers=2, in_order=False)))


class Bad(Counted):
    def __getitem__(self, i):
        if i == 3:
            raise KeyError("third")
        return i


try:
    for batch in DataLoader(Bad(), batch_size=2, num_workers=1):
        print(batch.tolist())
except KeyError as error:
    lines = str(error).splitlines()
    print(lines[0], "|", lines[1], "|", lines[-1])


class Dying(Counted):
    def __getitem__(self, i):
        if i == 3:
            os.kill(os.getpid(), 9)
        return i


try:
    for _ in DataLoader(Dying(), batch_size=2, num_workers=1):
        pass
except RuntimeError as error:
    digits = str.maketrans("", "", "0123456789")
    print(str(error).translate(digits), "|", str(error.__cause__).translate(digits))

for batch in DataLoader([1, 2], num_workers=1, collate_fn=lambda b: Custom(torch.tensor(b))):
    print(type(batch) is Custom, batch.t)
print(next(iter(DataLoader(Samples(), batch_size=5, num_workers=1)))["text"])
print("end")
