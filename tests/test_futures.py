"""``torch.futures``, and what runs at once, against PyTorch's."""

from __future__ import annotations

import pytest

from .compare import Cases, assert_alike, name_of

case = Cases()


@case
def a_result(t):
    future = t.futures.Future()
    before = future.done()
    future.set_result(3)
    return before, future.done(), future.wait(), future.value()


@case
def callbacks(t):
    log = []
    future = t.futures.Future()
    later = future.then(lambda f: f.wait() + 1)
    future.add_done_callback(lambda f: log.append(f.value()))
    future.set_result(1)
    return later.wait(), log, future.then(lambda f: 5).wait()


@case
def errors(t):
    future = t.futures.Future()
    future.set_exception(ValueError("no"))
    return future.wait()


@case
def errors_go_on(t):
    future = t.futures.Future()
    later = future.then(lambda f: f.wait())
    future.set_exception(ValueError("no"))
    return later.wait()


@case
def set_twice(t):
    future = t.futures.Future()
    future.set_result(1)
    future.set_result(2)


@case
def not_an_error(t):
    return t.futures.Future().set_exception(3)


@case
def many(t):
    futures = [t.futures.Future() for _ in range(3)]
    every = t.futures.collect_all(futures)
    for i, future in enumerate(futures):
        future.set_result(i)
    return [f.value() for f in every.wait()], t.futures.wait_all(futures)


@case
def forked(t):
    return t.wait(t.fork(lambda a: a + 1, t.ones(2)))


@pytest.mark.parametrize("fn", case, ids=name_of)
def test_cases(fn):
    assert_alike(fn)
