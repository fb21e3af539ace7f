"""Kept code of generated functions: found again, and harmless if it is broken or can't be kept."""

from __future__ import annotations

import sys
from importlib.util import MAGIC_NUMBER
from types import FunctionType

import pytest

from torchlike.core.generated import Generated

TEXT = "def call(a, b=0):\n return a + b"


@pytest.fixture(autouse=True)
def _byte_code_is_written(monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", False)


def sums(codes):
    return FunctionType(codes.function(TEXT), {})(1, 2) == 3


def kept(folder):
    return list(folder.rglob("*.generated*"))


def test_what_was_compiled_is_found_again(tmp_path):
    first = Generated(str(tmp_path / "module.py"))
    assert sums(first)
    first.save()
    (file,) = kept(tmp_path)
    before = file.stat().st_mtime_ns
    again = Generated(str(tmp_path / "module.py"))
    assert TEXT in again._codes
    assert sums(again)
    again.save()  # nothing new
    assert file.stat().st_mtime_ns == before


@pytest.mark.parametrize("content", [b"", MAGIC_NUMBER, MAGIC_NUMBER + b"junk", b"another Python"])
def test_a_broken_file_is_replaced(tmp_path, content):
    first = Generated(str(tmp_path / "module.py"))
    sums(first)
    first.save()
    (file,) = kept(tmp_path)
    file.write_bytes(content)
    again = Generated(str(tmp_path / "module.py"))
    assert sums(again)
    again.save()
    assert TEXT in Generated(str(tmp_path / "module.py"))._codes


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    codes = Generated(str(tmp_path / "file" / "module.py"))
    assert sums(codes)
    codes.save()
    assert kept(tmp_path) == []


def test_nothing_is_kept_where_byte_code_is_not(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    codes = Generated(str(tmp_path / "module.py"))
    assert sums(codes)
    codes.save()
    assert kept(tmp_path) == []
