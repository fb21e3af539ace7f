"""Causal masks that are written down late, against PyTorch's."""

from __future__ import annotations

import pytest

from ..compare import assert_alike
from ..expressions import assert_same_line, lines

LINES = lines("""
causal_upper_left(3, 5), causal_upper_left(3, 5).variant
causal_lower_right(3, 5)
causal_lower_right(5, 3)
causal_lower_right(1, 2, 3)
causal_upper_left(1, 2, 3)
CausalBias(1, 2, 3)
[int(v) for v in CausalVariant]
F.scaled_dot_product_attention(q, k, v, causal_upper_left(3, 5), is_causal=True)
""")


def setting(t):
    from importlib import import_module

    bias = import_module(f"{t.__name__}.nn.attention.bias")
    t.manual_seed(0)
    q, k, v = (t.randn(2, 2, n, 8) for n in (3, 5, 5))
    return {
        **{name: getattr(bias, name) for name in bias.__all__}, "q": q, "k": k, "v": v,
        "F": t.nn.functional,
    }  # fmt: skip


@pytest.mark.parametrize("line", LINES)
def test_lines(line):
    assert_same_line(line, setting)


@pytest.mark.parametrize("corner", ["causal_upper_left", "causal_lower_right"])
@pytest.mark.parametrize("scale", [None, 0.1])
def test_attention(corner, scale):
    def run(t):
        names = setting(t)
        q = names["q"].requires_grad_()
        found = t.nn.functional.scaled_dot_product_attention(
            q, names["k"], names["v"], attn_mask=names[corner](3, 5), scale=scale
        )
        found.sum().backward()
        return found.detach(), q.grad

    assert_alike(run)
