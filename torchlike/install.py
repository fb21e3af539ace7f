"""``import torchlike.install`` serves ``import torch`` with torchlike; so does calling it."""

from __future__ import annotations

import sys
from types import ModuleType

from .porting import finder


class _Installer(ModuleType):
    """A module that can be called, so that ``torchlike.install()`` works as well."""

    def __call__(self) -> None:
        """Serve ``torch`` and ``torchvision`` with torchlike from now on."""
        finder.install()


sys.modules[__name__].__class__ = _Installer
finder.install()
