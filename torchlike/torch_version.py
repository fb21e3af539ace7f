"""``torch.torch_version``: ``torch.__version__`` is a string that compares as a version."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from .version import __version__ as _number

__all__ = ["TorchVersion"]

_PARTS = re.compile(
    r"""\s*v?(?:(?P<epoch>\d+)!)?(?P<release>\d+(?:\.\d+)*)
    (?:[-_.]?(?P<pre>alpha|a|beta|b|preview|pre|c|rc)[-_.]?(?P<pre_n>\d*))?
    (?P<post>-(?P<post_n1>\d+)|[-_.]?(?:post|rev|r)[-_.]?(?P<post_n2>\d*))?
    (?P<dev>[-_.]?dev[-_.]?(?P<dev_n>\d*))?
    (?:\+(?P<local>[a-z0-9]+(?:[-_.][a-z0-9]+)*))?\s*""",
    re.VERBOSE | re.IGNORECASE,
)
_STAGES = {"a": 0, "alpha": 0, "b": 1, "beta": 1, "c": 2, "rc": 2, "pre": 2, "preview": 2}
_BEFORE, _FINAL = (-1, 0), (3, 0)


def _key(version: str) -> tuple[Any, ...] | None:
    """What orders versions as PEP 440 says: a dev release comes before 1.0a1, that before 1.0, and a
    post release after it. None for a text that is no version.
    """
    found = _PARTS.fullmatch(version)
    if found is None:
        return None
    release = [int(part) for part in found["release"].split(".")]
    while len(release) > 1 and not release[-1]:
        release.pop()
    if found["pre"]:
        pre = (_STAGES[found["pre"].lower()], int(found["pre_n"] or 0))
    else:
        pre = _BEFORE if found["dev"] and not found["post"] else _FINAL
    post = int(found["post_n1"] or found["post_n2"] or 0) if found["post"] else -1
    dev = (0, int(found["dev_n"] or 0)) if found["dev"] else (1, 0)
    local = re.split(r"[-_.]", found["local"].lower()) if found["local"] else ()
    marks = tuple((1, int(m), "") if m.isdigit() else (0, 0, m) for m in local)
    return int(found["epoch"] or 0), tuple(release), pre, post, dev, marks


class TorchVersion(str):
    """Compares with strings, with ``(2, 1)`` and with ``packaging``'s versions.

    If one of the two is no version, as strings.
    """

    __slots__ = ()
    __hash__ = str.__hash__

    def _against(self, other: Any, compare: str) -> Any:
        """Compares by ``compare``, a method that tuples and strings have."""
        if isinstance(other, str) or type(other).__name__ == "Version":
            text = str(other)
        elif isinstance(other, Iterable):
            text = ".".join(map(str, other))
        else:
            text = ""
        mine, theirs = _key(self), _key(text)
        if mine is None or theirs is None:
            return getattr(str, compare)(self, other)
        return getattr(mine, compare)(theirs)

    def __eq__(self, other: object) -> bool:
        return self._against(other, "__eq__")

    def __lt__(self, other: Any) -> bool:
        return self._against(other, "__lt__")

    def __le__(self, other: Any) -> bool:
        return self._against(other, "__le__")

    def __gt__(self, other: Any) -> bool:
        return self._against(other, "__gt__")

    def __ge__(self, other: Any) -> bool:
        return self._against(other, "__ge__")


__version__ = TorchVersion(_number)
