"""``torch.backends``: what the libraries below PyTorch are asked; below torchlike there is XLA."""

from . import (
    cpu as cpu,
    cuda as cuda,
    cudnn as cudnn,
    mkl as mkl,
    mkldnn as mkldnn,
    mps as mps,
    openmp as openmp,
)
