"""What the sweep over PyTorch's database of ops leaves out of ``torch.masked``: arguments and errors."""

from __future__ import annotations

import pytest

from ..expressions import assert_same_line, lines

LINES = lines("""
torch.masked.sum(x)
torch.masked.sum(x, 1, mask=m)
torch.masked.sum(x, (0, 1), keepdim=True, mask=m)
torch.masked.sum(x, dtype=torch.float64, mask=m)
torch.masked.sum(x.int(), 0, mask=m)
torch.masked.sum(x.bool(), 0, mask=m)
torch.masked.sum(x, 2, mask=m)
torch.masked.sum(x, (0, 0), mask=m)
torch.masked.sum(x, [], mask=m)
torch.masked.sum(x, 0, mask=m[:, 0])
torch.masked.sum(x, 0, mask=m[0])
torch.masked.sum(x, 0, mask=m[:, :2])
torch.masked.sum(x, 0, mask=m[None])
torch.masked.prod(x + 1, 1, mask=m)
torch.masked.amax(x, 1, mask=~m)
torch.masked.amax(x.int(), 1, mask=m & False)
torch.masked.amin(x.bool(), 1, mask=m)
torch.masked.amin(x, 1, mask=m & False)
torch.masked.amax(x.to(torch.complex64), 1)
torch.masked.argmax(x, 1, mask=m)
torch.masked.argmin(x, 0, mask=~m, keepdim=True)
torch.masked.argmax(x, None, mask=m)
torch.masked.argmax(x, (0, 1), mask=m)
torch.masked.mean(x, 1, mask=m)
torch.masked.mean(x, 1, mask=m & False)
torch.masked.mean(x.int(), 1, mask=m)
torch.masked.mean(x.bool(), 1)
torch.masked.mean(x.bool(), 1, dtype=torch.float32, mask=m)
torch.masked.median(x, 1, mask=m)
torch.masked.median(x.int(), 1, mask=m)
torch.masked.median(x.double(), 1, mask=m & False)
torch.masked.median(x, (0, 1), mask=m)
torch.masked.norm(x, 2, 1, mask=m)
torch.masked.norm(x, float("inf"), 1, mask=m)
torch.masked.norm(x, float("-inf"), 1, mask=m & False)
torch.masked.norm(x, 0, 1, mask=m)
torch.masked.norm(x.int(), 2, 1)
torch.masked.var(x, 1, mask=m)
torch.masked.var(x, 1, False, mask=m)
torch.masked.std(x, 1, True, mask=m)
torch.masked.std(x, mask=m, unbiased=False)
torch.masked.var(x, 1)
torch.masked.cumsum(x, 1, mask=m)
torch.masked.cumprod(x + 1, 0, mask=m, dtype=torch.float64)
torch.masked.softmax(x, 1, mask=m)
torch.masked.softmax(x, 0, mask=m)
torch.masked.log_softmax(x, 1, mask=m)
torch.masked.softmin(x, 1, mask=m)
torch.masked.softmax(x.int(), 1, mask=m)
torch.masked.softmax(x, 1, dtype=torch.float64, mask=m)
torch.masked.normalize(x, 2.0, 1, mask=m)
torch.masked.normalize(x, 1.0, 0, eps=3.0, mask=m)
torch.masked.normalize(x, 2.0, 2)
torch.masked.logsumexp(x, 1, mask=m)
torch.masked.logsumexp(x, 1, mask=m & False)
torch.masked.logsumexp(x.int(), (0, 1), mask=m)
torch.masked.logaddexp(x, x + 1, input_mask=m)
torch.masked.logaddexp(x, x + 1, input_mask=m, other_mask=~m)
torch.masked.logaddexp(x, x + 1, dtype=torch.float64)
""")


def setting(t):
    return {
        "x": t.arange(6.0).reshape(2, 3),
        "m": t.tensor([[True, False, True], [False, False, True]]),
    }


@pytest.mark.parametrize("line", LINES)
def test_lines(line):
    assert_same_line(line, setting)
