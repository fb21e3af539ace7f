"""``torch.backends.mkl``: torchlike does not use Intel's MKL."""

from __future__ import annotations

VERBOSE_OFF, VERBOSE_ON = 0, 1


def is_available() -> bool:
    return False


class verbose:
    """``with verbose(enable):`` accepted; there is no MKL that could speak."""

    def __init__(self, enable: int) -> None:
        self.enable = enable

    def __enter__(self) -> verbose:
        return self

    def __exit__(self, *exc: object) -> None:
        return None
