"""``torch.FloatStorage``, ``torch.FloatTensor`` and their kin, against PyTorch's."""

from __future__ import annotations

import pytest

from ..expressions import assert_same_line, lines

LINES = lines("""
torch.FloatStorage([1.0, 2.0, 3.0]).tolist()
torch.FloatStorage([1.0, 2.0])
torch.LongStorage(3).fill_(7).tolist()
torch.FloatStorage(3).size(), len(torch.DoubleStorage(3)), torch.DoubleStorage(3).nbytes()
torch.FloatStorage([1.0, 2.0]).dtype, torch.BoolStorage([True]).dtype, torch.ByteStorage([1]).element_size()
torch.FloatStorage([1.0, 2.0])[1], list(torch.IntStorage([4, 5]))
torch.FloatStorage([1.0, 2.0, 3.0])[1:].tolist()
torch.FloatStorage([1.0, 2.7]).int().tolist()
torch.FloatStorage([1.0]).type(), torch.FloatStorage([1.0]).is_cuda, torch.FloatStorage([1.0]).device
isinstance(x.storage(), torch.FloatStorage), isinstance(x.storage(), torch.LongStorage)
type(x.storage()).__name__, x.storage().tolist()
isinstance(x, torch.FloatTensor), isinstance(x, torch.DoubleTensor), isinstance(x.long(), torch.LongTensor)
torch.FloatTensor([1, 2]), torch.LongTensor([1, 2]), torch.FloatTensor(2, 3).shape
torch.FloatTensor(torch.FloatStorage([1.0, 2.0]))
torch.LongTensor([1.5])
torch.FloatTensor.dtype, torch.BoolTensor.dtype, torch.FloatTensor.is_cuda
torch.FloatTensor([1.0]).type()
x.type(torch.DoubleTensor)
x.type("torch.LongTensor").dtype
torch.UntypedStorage(4).nbytes(), torch.UntypedStorage([1, 2, 3]).tolist()
x.untyped_storage().nbytes()
torch.FloatStorage("a")
torch.HalfStorage([1.0]).float().tolist()
torch.is_storage(x.storage()), torch.is_storage(x)
""")


def setting(t):
    return {"x": t.arange(3.0)}


@pytest.mark.parametrize("line", LINES)
def test_lines(line):
    assert_same_line(line, setting)
