"""Runs somebody's script as Python itself would, with ``import torch`` served by torchlike."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from types import CodeType, ModuleType, TracebackType
from typing import Any

from .finder import install


def run_file(path: str, args: Sequence[str]) -> int:
    """``python PATH args…``: 0 if it ends, 2 if the file can't be read.

    An exception of the script goes on to the interpreter, which ends as it does for any script;
    its traceback starts in the script.
    """
    if path == "-":
        source, name, folder = sys.stdin.buffer.read(), "<stdin>", ""
    else:
        if os.path.isdir(path):
            path = os.path.join(path, "__main__.py")
        try:
            with io.open_code(os.path.abspath(path)) as file:
                source = file.read()
        except OSError as error:
            text = f"torchlike: can't open file {os.path.abspath(path)!r}: [Errno {error.errno}] "
            sys.stderr.write(f"{text}{error.strerror}\n")
            return 2
        name, folder = path, os.path.dirname(os.path.realpath(path))
    main = _prepare(path, folder, args)
    main.__dict__.update(__file__=name, __cached__=None)
    if path == "-":
        del main.__dict__["__file__"]
    with _Cut():
        _execute(compile(source, name, "exec", dont_inherit=True), main)
    return 0


def run_module(name: str, args: Sequence[str]) -> int:
    """``python -m NAME args…``"""
    import runpy

    _prepare(name, os.getcwd(), args)
    with _Cut():
        runpy.run_module(name, run_name="__main__", alter_sys=True)
    return 0


def _prepare(name: str, folder: str, args: Sequence[str]) -> ModuleType:
    """sys.argv, sys.path[0] and __main__ as the script expects them."""
    install()
    sys.argv[:] = [name, *args]
    # With `python -m torchlike` the working folder comes first, with the command its own folder
    if not sys.flags.safe_path:
        sys.path[0] = folder
    main = ModuleType("__main__")
    main.__dict__["__builtins__"] = sys.modules["builtins"]
    main.__dict__["__annotations__"] = {}
    sys.modules["__main__"] = main
    return main


def _execute(code: CodeType, main: ModuleType) -> None:
    exec(code, main.__dict__)


class _Cut:
    """Takes the runner's own frames out of the traceback of an exception that ends the script."""

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        if error is None or isinstance(error, SystemExit):
            return
        hook = sys.excepthook  # perhaps the script's own
        kept = _without_runner(tb)

        def show(kind: Any, shown: BaseException, tb: Any) -> None:
            if shown is error:
                shown.__traceback__ = tb = kept
            hook(kind, shown, tb)

        sys.excepthook = show


def _without_runner(tb: TracebackType | None) -> TracebackType | None:
    while tb is not None and _is_runner(tb.tb_frame.f_code):
        tb = tb.tb_next
    return tb


def _is_runner(code: CodeType) -> bool:
    return code.co_filename == __file__ or code.co_filename == "<frozen runpy>"
