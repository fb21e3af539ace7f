"""``torch.testing``: what is close, what the messages say, and the tensors made for tests."""

from __future__ import annotations

import numpy as np
import pytest

from ..expressions import assert_same_line, lines

LINES = lines("""
assert_close(t([1.,2.]), t([1.,2.]))
assert_close(t([1.,2.,3.]), t([1.,2.5,4.]))
assert_close(t([1.,2.,3.]), t([1.,2.5,4.]), rtol=0, atol=0)
assert_close(t([1.,2.,3.]), t([1.,2.5,4.]), rtol=0.1, atol=1)
assert_close(t([1.,2.,3.]), t([1.,2.5,4.]), rtol=0.1)
assert_close(t([1.,2.,3.]), t([1.,2.5,4.]), atol=0.1)
assert_close([t(1.), {'a': t([1,2])}], [t(1.), {'a': t([1,3])}])
assert_close([1], [1,2])
assert_close({'a':1}, {'b':1})
assert_close({'a':1,'x':[1]}, {'a':1,'x':[1,2]})
assert_close(1, 1.)
assert_close(1, 1., check_dtype=False)
assert_close(1., 1.1)
assert_close(1, 2)
assert_close(1., 1.+1e-9)
assert_close(0., 1e-3)
assert_close(1e-3, 0.)
assert_close(True, False)
assert_close(None, 1)
assert_close(None, None)
assert_close('a', 'a')
assert_close(t([1.]), np.array([1.]))
assert_close(np.array([1.]), np.array([2.]))
assert_close(t([1.]), t([1.]).double())
assert_close(t([1.]), t([1.]).double(), check_dtype=False)
assert_close(t([1.]), t([1.,2.]))
assert_close(t(1.), t(2.))
assert_close(t(1), t(2))
assert_close(t([[1,2],[3,4]]), t([[1,2],[3,8]]))
assert_close(t([float('nan')]), t([float('nan')]))
assert_close(t([float('nan')]), t([float('nan')]), equal_nan=True)
assert_close(float('nan'), float('nan'))
assert_close(t([float('inf')]), t([-float('inf')]))
assert_close(t([1+2j]), t([1+3j]))
assert_close(1+2j, 1+3j)
assert_close(t([1.,2.]), t([1.,3.]), msg="hello")
assert_close(t([1.,2.]), t([1.,3.]), msg=lambda m: f"H {m} F")
assert_close([t([1.,2.])], [t([1.,3.])], msg=lambda m: f"H {m} F")
assert_close(t([[1.,2.],[3.,4.]]).t(), t([[1.,3.],[2.,4.]]), check_stride=True)
assert_close(t([True,False]), t([True,True]))
assert_close(t([1,2],dtype=torch.uint8), t([3,1],dtype=torch.uint8))
assert_close(torch.nn.Parameter(t([1.])), t([1.]))
assert_close(torch.nn.Parameter(t([1.])), t([1.]), allow_subclasses=False)
assert_close(object(), object())
assert_close(t([1.]).half(), t([1.001]).half())
assert_close(t([]), t([]))
assert_close((1,2), [1,3])
assert_allclose(t([1.]), 1.)
assert_allclose(t([1.]), t([1.,1.]))
assert_allclose(1., 1.5)
(torch.manual_seed(0), make_tensor((2,3), dtype=torch.float32, device='cpu'))[1]
(torch.manual_seed(0), make_tensor(2,3, dtype=torch.int64, device='cpu'))[1]
(torch.manual_seed(0), make_tensor(4, dtype=torch.bool, device='cpu'))[1]
(torch.manual_seed(0), make_tensor(4, dtype=torch.uint8, device='cpu'))[1]
(torch.manual_seed(0), make_tensor(4, dtype=torch.complex64, device='cpu'))[1]
(torch.manual_seed(0), make_tensor(4, dtype=torch.float16, device='cpu', low=0, high=1))[1]
(torch.manual_seed(0), make_tensor(4, dtype=torch.float64, device='cpu', low=-1e400, high=1e400))[1]
(torch.manual_seed(0), make_tensor((3,4), dtype=torch.float32, device='cpu', noncontiguous=True))[1].stride()
(torch.manual_seed(0), make_tensor((20,), dtype=torch.int8, device='cpu', low=-2, high=2, exclude_zero=True))[1]
make_tensor(3, dtype=torch.int64, device='cpu', requires_grad=True)
make_tensor(3, dtype=torch.float32, device='cpu', requires_grad=True).requires_grad
make_tensor(3, dtype=torch.float32, device='cpu', low=3, high=1)
make_tensor(3, dtype=torch.float32, device='cpu', low=float('nan'))
make_tensor(3, dtype=torch.uint8, device='cpu', low=300, high=400)
make_tensor(3, dtype=torch.float32, device='cpu', low=1, high=1)
make_tensor(3, dtype=torch.float32, device='cpu', noncontiguous=True, memory_format=torch.contiguous_format)
make_tensor((), dtype=torch.float32, device='cpu').shape
""")


def setting(t):
    names = ("assert_close", "make_tensor", "assert_allclose")
    return {"t": t.tensor, "np": np, **{name: getattr(t.testing, name) for name in names}}


@pytest.mark.parametrize("line", LINES)
def test_lines(line):
    assert_same_line(line, setting)
