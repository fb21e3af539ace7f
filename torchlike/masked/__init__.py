"""``torch.masked``: functions of the elements that a mask lets in, and ``MaskedTensor``."""

from __future__ import annotations

from .maskedtensor import (
    MaskedTensor as MaskedTensor,
    as_masked_tensor as as_masked_tensor,
    is_masked_tensor as is_masked_tensor,
    masked_tensor as masked_tensor,
)
from .normalizations import (
    log_softmax as log_softmax,
    normalize as normalize,
    softmax as softmax,
    softmin as softmin,
)
from .reductions import (
    amax as amax,
    amin as amin,
    argmax as argmax,
    argmin as argmin,
    cumprod as cumprod,
    cumsum as cumsum,
    logaddexp as logaddexp,
    logsumexp as logsumexp,
    mean as mean,
    median as median,
    norm as norm,
    prod as prod,
    std as std,
    sum as sum,
    var as var,
)
