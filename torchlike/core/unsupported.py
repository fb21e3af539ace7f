"""Names of PyTorch that torchlike refuses, with the reason and the way out."""

from __future__ import annotations

UNSUPPORTED: dict[str, tuple[str, str]] = {
    "complex32": ("XLA has no half-precision complex type", "use torch.complex64"),
    "chalf": ("XLA has no half-precision complex type", "use torch.complex64"),
    "quint8": ("quantised dtypes are not offered", "keep int8 tensors and scales of your own"),
    "qint8": ("quantised dtypes are not offered", "keep int8 tensors and scales of your own"),
    "sparse_coo_tensor": ("sparse tensors are not there yet", "use a dense tensor"),
    "sparse_csr_tensor": ("sparse tensors are not there yet", "use a dense tensor"),
    "nested_tensor": ("XLA has no ragged arrays", "pad, and keep the lengths"),
    "jit": ("TorchScript is not there yet", "call the module itself, or torch.compile(module)"),
    "onnx": ("the ONNX exporter is not there yet", "export with jax.export"),
    "distributed": ("process groups are not there yet", "use jax.sharding on the arrays"),
    "sparse": ("sparse tensors are not there yet", "use dense tensors"),
    "distributions": ("distributions are not there yet", "use the random functions of torch"),
    "func": ("torch.func is not there yet", "jax.grad and jax.vmap accept Tensors and Modules"),
}


def explain(name: str) -> str:
    """The hint that an AttributeError for ``name`` carries."""
    found = UNSUPPORTED.get(name)
    if found is not None:
        return f"hint: torchlike refuses it: {found[0]}; {found[1]}"
    return f"hint: torchlike does not have torch.{name}; if PyTorch has it, this is torchlike's gap"
