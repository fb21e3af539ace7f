"""Short-time Fourier transforms."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from ..core.errors import check, missing, shape_text
from ..core.registry import Array, op
from .accumulate import is_complex, is_inexact, type_name
from .fft import fft, ifft, irfft, rfft

_PADS = {"reflect": "reflect", "constant": "constant", "replicate": "edge", "circular": "wrap"}


def _centered(x: Array, pad: int, mode: str) -> Array:
    n = x.shape[-1]
    if mode == "reflect":
        shape = (1,) * (3 - x.ndim) + x.shape
        check(
            pad < n,
            "Argument #4: Padding size should be less than the corresponding input dimension, "
            "but got: "
            f"padding ({pad}, {pad}) at dimension 2 of input {shape_text(shape)}",
        )
    check(mode in _PADS, f"Unrecognised padding mode {mode}", NotImplementedError)
    return jnp.pad(x, [(0, 0)] * (x.ndim - 1) + [(pad, pad)], mode=_PADS[mode])


def _whole_window(window: Array | None, win_length: int, n_fft: int, to: np.dtype) -> Array | None:
    """The window, in the middle of ``n_fft`` samples."""
    if window is None and win_length == n_fft:
        return None
    shape = jnp.ones(win_length, to) if window is None else window
    left = (n_fft - win_length) // 2
    return jnp.pad(shape, (left, n_fft - win_length - left))


def _positions(frames: int, hop: int, n_fft: int) -> np.ndarray:
    """Which sample each place of each frame is.  ``-> (frames, n_fft)``"""
    return hop * np.arange(frames)[:, None] + np.arange(n_fft)


def _check_stft(x: Array, n_fft: int, hop: int, win: int, window: Array | None) -> None:
    text = (
        f"stft(torch.{type_name(x)}Tensor{shape_text(x.shape)}, n_fft={n_fft}, hop_length={hop}, "
        f"win_length={win}, window={'None' if window is None else shape_text(window.shape)})"
    )
    check(is_inexact(x), f"{text}: expected a tensor of floating point or complex values")
    check(x.ndim in (1, 2), f"{text}: expected a 1D or 2D tensor")
    check(
        0 < n_fft <= x.shape[-1],
        f"{text}: expected 0 < n_fft <= {x.shape[-1]}, but got n_fft={n_fft}",
    )
    check(hop > 0, f"{text}: expected hop_length > 0, but got hop_length={hop}")
    check(0 < win <= n_fft, f"{text}: expected 0 < win_length <= n_fft, but got win_length={win}")
    check(
        window is None or window.shape == (win,),
        f"{text}: expected a 1D window tensor of size equal to win_length={win}, but got window "
        "with "
        f"size {shape_text(window.shape) if window is not None else ''}",
    )


def _padded(args: dict[str, Any]) -> tuple[str, ...] | None:
    padded = args["center"] and args["pad_mode"] in ("reflect", "replicate")
    return ("input", "window") if padded else None


@op(grad_name="SqueezeBackward4", keeps=_padded)
def stft(
    input: Array,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Array | None = None,
    center: bool = True,
    pad_mode: str = "reflect",
    normalized: bool = False,
    onesided: bool | None = None,
    return_complex: bool | None = None,
    align_to_window: bool | None = None,
) -> Array:
    """Spectra of overlapping windows of a signal.

    ``(B?, T) -> (B?, F, frames)`` complex, or ``(B?, F, frames, 2)``
    """
    if align_to_window:
        check(not center, "stft align_to_window should only be set when center = false")
        raise missing("stft(align_to_window=True)", "pad the signal before the call")
    hop = n_fft // 4 if hop_length is None else hop_length
    win = n_fft if win_length is None else win_length
    complex_data = is_complex(input) or (window is not None and is_complex(window))
    check(
        return_complex is not None or complex_data,
        "stft requires the return_complex parameter be given for real inputs, and will further "
        "require "
        "that return_complex=True in a future PyTorch release.",
    )
    x = _centered(input, n_fft // 2, pad_mode) if center else input
    _check_stft(x, n_fft, hop, win, window)
    half = not complex_data if onesided is None else onesided
    check(not (half and complex_data), "Cannot have onesided output if window or input is complex")
    frames = x[..., _positions(1 + (x.shape[-1] - n_fft) // hop, hop, n_fft)]
    shape = _whole_window(window, win, n_fft, x.dtype)
    if shape is not None:
        to = jnp.result_type(shape.dtype) if is_complex(shape) else frames.dtype
        frames = frames.astype(to) * shape.astype(to)
    norm = "ortho" if normalized else None
    found = jnp.swapaxes((rfft if half else fft)(frames, norm=norm), -1, -2)
    if return_complex or (return_complex is None and complex_data):
        return found
    return jnp.stack([jnp.real(found), jnp.imag(found)], axis=-1)


# ---------------------------------------------------------------- inverse


def _added(frames: Array, hop: int) -> Array:
    """Frames put back in place, overlaps added up.  ``(*, frames, N) -> (*, T)``"""
    count, n_fft = frames.shape[-2:]
    size = n_fft + hop * (count - 1)
    zeros = jnp.zeros((*frames.shape[:-2], size), frames.dtype)
    return zeros.at[..., _positions(count, hop, n_fft)].add(frames)


def _bounds(frames: int, n_fft: int, hop: int, center: bool, length: int | None) -> tuple[int, int]:
    size = n_fft + hop * (frames - 1)
    start = n_fft // 2 if center else 0
    if length is not None:
        return start, start + length
    return start, size - n_fft // 2 if center else size


def _check_overlap(args: dict[str, Any]) -> None:
    """The windows must cover every sample that is returned."""
    x, n_fft, window = args["input"], args["n_fft"], args.get("window")
    if x.ndim < 2 or not x.dtype.is_complex:
        return
    hop = args.get("hop_length") or n_fft // 4
    win = args.get("win_length") or n_fft
    shape = np.ones(win) if window is None else np.abs(window.numpy().astype(np.complex128)) ** 2
    if shape.shape != (win,) or not 0 < win <= n_fft:
        return
    left = (n_fft - win) // 2
    shape = np.pad(shape, (left, n_fft - win - left))
    count = x.shape[-1]
    total = np.bincount(_positions(count, hop, n_fft).reshape(-1), np.tile(shape, count))
    start, stop = _bounds(count, n_fft, hop, args.get("center", True), args.get("length"))
    lowest = total[start:stop].min(initial=np.inf)
    check(lowest > 1e-11, f"window overlap add min: {int(lowest > 1e-11)}")


def _check_istft(x: Array, n_fft: int, hop: int, win: int, half: bool) -> None:
    text = f"istft(torch.{type_name(x)}Tensor{shape_text(x.shape)}, n_fft={n_fft}, "
    f"hop_length={hop}, win_length={win})"
    check(x.size > 0, f"{text}: input tensor cannot be empty.")
    check(
        x.ndim in (2, 3), f"{text}: expected a tensor with 3 or 4 dimensions, but got {x.ndim + 1}"
    )
    rows = x.shape[-2]
    if half:
        check(
            n_fft // 2 + 1 == rows,
            f"{text}: expected the frequency dimension (3rd to the last) of the input tensor to "
            "match "
            f"n_fft / 2 + 1 when onesided=True, but got {rows}",
        )
    else:
        check(
            n_fft == rows,
            f"{text}: expected the frequency dimension (3rd to the last) of the input tensor to "
            "match "
            f"n_fft when onesided=False, but got {rows}",
        )
    check(0 < hop <= win, f"{text}: expected 0 < hop_length <= win_length")
    check(0 < win <= n_fft, f"{text}: expected 0 < win_length <= n_fft")


@op(check=_check_overlap, grad_name="SqueezeBackward1")
def istft(
    input: Array,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Array | None = None,
    center: bool = True,
    normalized: bool = False,
    onesided: bool | None = None,
    length: int | None = None,
    return_complex: bool = False,
) -> Array:
    """Inverse of ``stft`` by least squares.  ``(B?, F, frames) -> (B?, T)``"""
    check(
        is_complex(input),
        "istft requires a complex-valued input tensor matching the output from stft with "
        "return_complex=True.",
    )
    hop = n_fft // 4 if hop_length is None else hop_length
    win = n_fft if win_length is None else win_length
    half = input.shape[-2] != n_fft if onesided is None else onesided
    _check_istft(input, n_fft, hop, win, half)
    check(
        window is None or window.shape == (win,),
        "Invalid window shape. window has to be 1D and length of `win_length`",
    )
    x = jnp.swapaxes(input, -1, -2)
    norm = "ortho" if normalized else None
    if return_complex:
        check(not half, "Cannot have onesided output if window or input is complex")
        frames = ifft(x, norm=norm)
    else:
        check(
            window is None or not is_complex(window),
            "Complex windows are incompatible with return_complex=False",
        )
        frames = irfft(x[..., : n_fft // 2 + 1], n_fft, norm=norm)
    real = jnp.real(frames).dtype
    shape = _whole_window(window, win, n_fft, real)
    shape = jnp.ones(n_fft, real) if shape is None else shape
    total = _added(frames * shape.astype(frames.dtype), hop)
    squares = jnp.broadcast_to(shape * shape, (x.shape[-2], n_fft))
    weight = _added(squares, hop).astype(frames.dtype)
    start, stop = _bounds(x.shape[-2], n_fft, hop, center, length)
    found = total[..., start:stop] / weight[start:stop]
    short = stop - start - found.shape[-1]
    return jnp.pad(found, [(0, 0)] * (found.ndim - 1) + [(0, short)]) if short > 0 else found
