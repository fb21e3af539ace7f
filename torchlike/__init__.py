"""torchlike: PyTorch's API over JAX. ``import torchlike as torch``, or ``torchlike run train.py``."""

from __future__ import annotations

import importlib as _importlib
import sys as _sys
from typing import TYPE_CHECKING as _TYPE_CHECKING, Any as _Any

from .api import (
    fft as fft,  # (binds every op)
    linalg as linalg,
    special as special,
)
from .api.torch import *
from .core.autocast import *
from .core.bind import SPACES as _SPACES
from .core.build import (
    as_tensor as as_tensor,
    asarray as asarray,
    from_jax as from_jax,
    from_numpy as from_numpy,
    frombuffer as frombuffer,
    scalar_tensor as scalar_tensor,
    tensor as tensor,
)
from .core.config import config as config
from .core.constants import *
from .core.control_flow import *
from .core.device import device as device, set_default_device as set_default_device
from .core.dlpack import *
from .core.dtypes import (
    dtype as dtype,
    finfo as finfo,
    iinfo as iinfo,
    set_default_dtype as set_default_dtype,
)
from .core.errors import (
    AcceleratorError as AcceleratorError,
    OutOfMemoryError as OutOfMemoryError,
)
from .core.mapped_file import *
from .core.modes import (
    enable_grad as enable_grad,
    inference_mode as inference_mode,
    is_grad_enabled as is_grad_enabled,
    is_inference_mode_enabled as is_inference_mode_enabled,
    no_grad as no_grad,
    set_grad_enabled as set_grad_enabled,
)
from .core.overrides import (
    DisableTorchFunction as DisableTorchFunction,
    DisableTorchFunctionSubclass as DisableTorchFunctionSubclass,
)
from .core.removed import *
from .core.repr import set_printoptions as set_printoptions
from .core.rng import (
    Generator as Generator,
    default_generator as default_generator,
    get_rng_state as get_rng_state,
    initial_seed as initial_seed,
    manual_seed as manual_seed,
    seed as seed,
    set_rng_state as set_rng_state,
)
from .core.shapes import Size as Size
from .core.shells import *
from .core.storages import *
from .core.streams import Event as Event, Stream as Stream
from .core.strided import *
from .core.surroundings import *
from .core.symbolic import *
from .core.tags import Tag as Tag
from .core.tensor import Tensor as Tensor
from .core.toplevel import *
from .core.typed import *
from .sparse.functions import *
from .torch_version import __version__ as __version__

if _TYPE_CHECKING:
    from . import autograd, cuda, nn, optim, utils

_FROM = {  # names that live in a module not every program needs
    "save": "io",
    "load": "io",
    "compile": "compiler",
    "vmap": "func",
    "autocast": "amp",
    "GradScaler": "amp",
    "_amp_foreach_non_finite_check_and_unscale_": "amp.grad_scaler",
    "_amp_update_scale_": "amp.grad_scaler",
    "serialization": "io",
    "batch_norm": "nn.native",
    "batch_norm_update_stats": "nn.native",
    "detach_": "nn.native",
    "embedding_bag": "nn.native",
    "instance_norm": "nn.native",
    "native_batch_norm": "nn.native",
    "slice_inverse": "nn.native",
    "fork": "futures",
    "wait": "futures",
    "lobpcg": "_lobpcg",
    "uninstall": "porting.finder",
    "load_ipython_extension": "porting.finder",
    "unload_ipython_extension": "porting.finder",
}

globals().update({name: fn for name, fn in _SPACES["torch"].items() if not name.startswith("_")})


def __getattr__(name: str) -> _Any:
    home = _FROM.get(name)
    if home is not None and home != name:
        found = getattr(_importlib.import_module(f"{__name__}.{home}"), name)
        globals()[name] = found
        return found
    if name in _SPACES["torch"]:  # PyTorch's underscored functions
        return _SPACES["torch"][name]
    if name == "torch":  # real PyTorch has this name of itself, too
        return _sys.modules[__name__]
    if not name.startswith("__"):
        try:
            return _importlib.import_module(f"{__name__}.{name}")
        except ModuleNotFoundError as error:
            if error.name != f"{__name__}.{name}":
                raise
        from .core.unsupported import explain

        raise AttributeError(f"module 'torch' has no attribute '{name}'\n{explain(name)}")
    raise AttributeError(f"module 'torch' has no attribute '{name}'")
