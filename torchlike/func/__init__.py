"""``torch.func``: functions that transform functions. See ``core.transforms`` for how."""

from .batch_norm import replace_all_batch_norm_modules_ as replace_all_batch_norm_modules_
from .differentiate import (
    grad as grad,
    grad_and_value as grad_and_value,
    jvp as jvp,
    linearize as linearize,
    vjp as vjp,
)
from .functional_call import (
    functional_call as functional_call,
    stack_module_state as stack_module_state,
)
from .inspection import debug_unwrap as debug_unwrap, functionalize as functionalize
from .jacobians import hessian as hessian, jacfwd as jacfwd, jacrev as jacrev
from .rearrange import rearrange as rearrange
from .vmap import vmap as vmap
