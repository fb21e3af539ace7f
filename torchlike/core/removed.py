"""What PyTorch removed or deprecated and still answers for, in its words."""

from __future__ import annotations

import math
import warnings
from typing import Any

from .dispatch import invoke
from .errors import shape_text
from .tensor import Tensor

__all__ = ["eig", "lstsq", "matrix_rank", "resize_as_", "solve", "symeig"]

_GONE = "This function was deprecated since version 1.9 and is now removed."


def eig(
    self: Tensor, eigenvectors: bool = False, *, e: Any = None, v: Any = None
) -> tuple[Tensor, Tensor]:
    """Always raises: ``torch.linalg.eig``."""
    raise RuntimeError(
        f"{_GONE} `torch.linalg.eig` returns complex tensors of dtype `cfloat` or `cdouble` rather than "
        "real tensors mimicking complex tensors.\n\n"
        "L, _ = torch.eig(A) should be replaced with:\nL_complex = torch.linalg.eigvals(A)\n\nand\n\n"
        "L, V = torch.eig(A, eigenvectors=True) should be replaced with:\n"
        "L_complex, V_complex = torch.linalg.eig(A)"
    )


def symeig(
    input: Tensor, eigenvectors: bool = False, upper: bool = True, *, out: Any = None
) -> tuple[Tensor, Tensor]:
    """Always raises: ``torch.linalg.eigh``."""
    raise RuntimeError(
        f"{_GONE} The default behavior has changed from using the upper triangular portion of the matrix "
        "by default to using the lower triangular portion.\n\n"
        "L, _ = torch.symeig(A, upper=upper) should be replaced with:\n"
        "L = torch.linalg.eigvalsh(A, UPLO='U' if upper else 'L')\n\nand\n\n"
        "L, V = torch.symeig(A, eigenvectors=True) should be replaced with:\n"
        "L, V = torch.linalg.eigh(A, UPLO='U' if upper else 'L')"
    )


def lstsq(input: Tensor, A: Tensor, *, out: Any = None) -> tuple[Tensor, Tensor]:
    """Always raises: ``torch.linalg.lstsq``."""
    raise RuntimeError(
        f"{_GONE} `torch.lstsq` is deprecated in favor of `torch.linalg.lstsq`.\n"
        "`torch.linalg.lstsq` has reversed arguments and does not return the QR decomposition in the "
        "returned tuple (although it returns other information about the problem).\n\n"
        "To get the QR decomposition consider using `torch.linalg.qr`.\n\n"
        "The returned solution in `torch.lstsq` stored the residuals of the solution in the last m - n "
        "columns of the returned value whenever m > n. In torch.linalg.lstsq, the residuals are in the "
        "field 'residuals' of the returned named tuple.\n\nThe unpacking of the solution, as in\n"
        "X, _ = torch.lstsq(B, A).solution[:A.size(1)]\nshould be replaced with:\n"
        "X = torch.linalg.lstsq(A, B).solution"
    )


def solve(input: Tensor, A: Tensor, *, out: Any = None) -> tuple[Tensor, Tensor]:
    """Always raises: ``torch.linalg.solve``."""
    raise RuntimeError(
        f"{_GONE} `torch.solve` is deprecated in favor of `torch.linalg.solve`. `torch.linalg.solve` has "
        "its arguments reversed and does not return the LU factorization.\n\n"
        "To get the LU factorization see `torch.lu`, which can be used with `torch.lu_solve` or "
        "`torch.lu_unpack`.\nX = torch.solve(B, A).solution should be replaced with:\n"
        "X = torch.linalg.solve(A, B)"
    )


def matrix_rank(
    input: Tensor, tol: Any = None, symmetric: bool = False, *, out: Any = None
) -> Tensor:
    """Always raises: ``torch.linalg.matrix_rank``."""
    raise RuntimeError(
        f"{_GONE}\nPlease use the `torch.linalg.matrix_rank` function instead. The parameter 'symmetric' "
        "was renamed in `torch.linalg.matrix_rank()` to 'hermitian'."
    )


def reinforce(self: Tensor, reward: Any) -> None:
    """Always raises: ``torch.distributions``."""
    raise RuntimeError(
        "reinforce() was removed.\nUse torch.distributions instead.\n"
        "See https://pytorch.org/docs/main/distributions.html\n\nInstead of:\n\n"
        "probs = policy_network(state)\naction = probs.multinomial()\n"
        "next_state, reward = env.step(action)\naction.reinforce(reward)\naction.backward()\n\nUse:\n\n"
        "probs = policy_network(state)\n"
        "# NOTE: categorical is equivalent to what used to be called multinomial\n"
        "m = torch.distributions.Categorical(probs)\naction = m.sample()\n"
        "next_state, reward = env.step(action)\nloss = -m.log_prob(action) * reward\nloss.backward()\n"
    )


def resize_as_(input: Tensor, the_template: Tensor, *, memory_format: Any = None) -> Tensor:
    """The template's shape, in place; elements that fit stay, in order."""
    return input.resize_(the_template.shape, memory_format=memory_format)  # type: ignore[attr-defined]


def _same_count(self: Tensor, shape: tuple[int, ...]) -> Tensor:
    count = math.prod(shape)
    if count != self.numel():
        asked = shape_text(shape)[1:-1].replace(", ", "x")
        mine = shape_text(self.shape)[1:-1].replace(", ", "x")
        raise RuntimeError(
            f"requested resize to {asked} ({count} elements in total), but the given tensor has a size "
            f"of {mine} ({self.numel()} elements). autograd's resize can only change the shape of a given "
            "tensor, while preserving the number of elements. "
        )
    return invoke("reshape", self, shape)


def resize(self: Tensor, *sizes: Any) -> Tensor:
    """``reshape`` as old programs call it.

    Raises:
        RuntimeError: another number of elements.
    """
    warnings.warn("non-inplace resize is deprecated", UserWarning, stacklevel=2)
    shape = sizes[0] if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)) else sizes
    return _same_count(self, tuple(shape))


def resize_as(self: Tensor, tensor: Tensor) -> Tensor:
    """``reshape`` to another tensor's shape, as old programs call it.

    Raises:
        RuntimeError: another number of elements.
    """
    warnings.warn("non-inplace resize_as is deprecated", UserWarning, stacklevel=2)
    return _same_count(self, tuple(tensor.shape))


def install() -> None:
    """Puts these members on Tensor. Called once."""
    for member in (eig, symeig, lstsq, solve, reinforce, resize, resize_as, resize_as_):
        setattr(Tensor, member.__name__, member)
