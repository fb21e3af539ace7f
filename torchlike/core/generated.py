"""Code objects of generated functions, kept beside Python's own byte code.

Compiling the few hundred signatures would take longer than the rest of the import. As with any module's
byte code, a folder that can't be written to, or ``-B``, only means that they are compiled each time.
"""

from __future__ import annotations

import contextlib
import marshal
import os
import sys
from importlib.util import MAGIC_NUMBER, cache_from_source
from types import CodeType


class Generated:
    """Code by text. Many functions have the same parameters, so the same text."""

    def __init__(self, source: str) -> None:
        self._path = f"{os.path.splitext(cache_from_source(source))[0]}.generated"
        self._codes = self._read()
        self._used: dict[str, CodeType] = {}
        self._fresh = False

    def _read(self) -> dict[str, CodeType]:
        try:
            with open(self._path, "rb") as file:
                if file.read(len(MAGIC_NUMBER)) == MAGIC_NUMBER:
                    return marshal.load(file)
        except (OSError, EOFError, ValueError, TypeError):
            pass
        return {}

    def function(self, text: str) -> CodeType:
        """The code of the one function that ``text`` defines."""
        code = self._used.get(text) or self._codes.get(text)
        if code is None:
            made = compile(text, "<torchlike op>", "exec").co_consts
            code = next(c for c in made if isinstance(c, CodeType))
            self._fresh = True
        self._used[text] = code
        return code

    def save(self) -> None:
        """Keeps what was used, if it is not what was read; another process may do so at the same time."""
        if not self._fresh or sys.dont_write_bytecode:
            return
        part = f"{self._path}.{os.getpid()}"
        try:
            os.makedirs(os.path.dirname(part), exist_ok=True)
            with open(part, "wb") as file:
                file.write(MAGIC_NUMBER + marshal.dumps(self._used))
            os.replace(part, self._path)
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(part)
