"""``torch.utils``: swapping, hooks and weak references, against PyTorch's."""

from __future__ import annotations

import gc
import warnings
import weakref

import pytest
import torch
import torch.utils.hooks
import torch.utils.weak

import torchlike

from ..compare import Cases, assert_alike, name_of

case = Cases()


@case
def swapping_takes_values_classes_and_attributes(t):
    a = t.nn.Parameter(t.ones(2))
    b = t.nn.Parameter(t.zeros(3, dtype=t.float64))
    a.x = 1
    t.utils.swap_tensors(a, b)
    c = t.full((1,), 5.0)
    first = a.detach(), b.detach(), hasattr(a, "x"), b.x
    t.utils.swap_tensors(b, c)
    return *first, type(b).__name__, type(c).__name__, c.x, b


@case
def swapping_before_backward_is_noticed_by_it(t):
    a, b = t.nn.Parameter(t.ones(2)), t.nn.Parameter(t.zeros(2))
    y = (a * 2).sum()
    t.utils.swap_tensors(a, b)
    y.backward()


@case
def hooks_go_along(t):
    a, b = t.ones(4, requires_grad=True), t.zeros(4, requires_grad=True)
    a.register_hook(lambda g: g * 2)
    t.utils.swap_tensors(a, b)
    (a * 1).sum().backward()
    (b * 1).sum().backward()
    return a.grad, b.grad


@case
def histories_go_along(t):
    x = t.ones(4, requires_grad=True)
    y, b = x * 2, t.zeros(4)
    t.utils.swap_tensors(y, b)
    b.sum().backward()
    return x.grad, y.requires_grad


@case
def weak_references_forbid_swapping(t):
    a = t.ones(1)
    ref = weakref.ref(a)
    t.utils.swap_tensors(a, t.ones(1))
    return ref


@case
def modules_of_objects(t):
    def f():
        return None

    t.utils.set_module(f, "elsewhere")
    named = f.__module__
    t.utils.set_module(f, 3)
    return named


@case
def hooks_that_a_pickle_leaves_out(t):
    x = t.ones(2, requires_grad=True)

    def hook(g):
        return g

    x.register_hook(hook)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        t.utils.hooks.warn_if_has_hooks(x)
        found = [str(w.message).replace(repr(hook), "hook") for w in caught]
        t.utils.hooks.unserializable_hook(hook)
        t.utils.hooks.warn_if_has_hooks(x)
    return found, len(caught)


@case
def weak_keys_are_told_apart_by_identity(t):
    d = t.utils.weak.WeakIdKeyDictionary()
    k = t.ones(2)
    d[k] = 1
    found = len(d), k in d, t.ones(2) in d, d.get(k), list(d.values()), 3 in d
    e = d.copy()
    more = e == d, d == {k: 1}, len(d | {}), d.setdefault(k, 5), d.pop(k), len(d), e.popitem()[1]
    d[k] = 2
    del k
    gc.collect()
    return found, more, len(d), list(d)


@case
def weak_keys_must_be_objects_with_weak_references(t):
    t.utils.weak.WeakTensorKeyDictionary()[3] = 4


@case
def weak_references_to_tensors(t):
    k = t.ones(3)
    ref, other = t.utils.weak.WeakIdRef(k), t.utils.weak.WeakIdRef(k)
    held = t.utils.weak.TensorWeakRef(k)
    found = ref == other, hash(ref) == id(k), held() is k
    del k
    gc.collect()
    return found, held(), ref()


@case
def only_tensors_have_tensor_references(t):
    return t.utils.weak.TensorWeakRef(3)


@case
def hooks_of_the_node_at_a_leaf(t):
    a = t.ones(2, requires_grad=True)
    log = []
    y = (a * 2).sum()
    node = y.grad_fn.next_functions[0][0].next_functions[0][0]
    node.register_prehook(lambda grads: log.append(("before", len(grads), a.grad is None)))
    node.register_hook(lambda made, given: log.append(("after", made, len(given), a.grad is None)))
    y.backward()
    return log, a.grad


@pytest.mark.parametrize("fn", case, ids=name_of)
def test_cases(fn):
    assert_alike(fn)


def test_a_tensor_with_views_is_not_swapped():
    a = torchlike.ones(4)
    view = a[:2]
    with pytest.raises(RuntimeError, match="Expected use_count of t1"):
        torchlike.utils.swap_tensors(a, torchlike.zeros(4))
    assert view._base is a


def test_functions_have_their_second_home():
    for name in torch.functional.__all__:
        assert getattr(torchlike.functional, name) is getattr(torchlike, name)
