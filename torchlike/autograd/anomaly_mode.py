"""``torch.autograd.detect_anomaly``: backward errors name the forward line."""

from __future__ import annotations

import warnings

from ..core.modes import modes


class set_detect_anomaly:
    """Sets anomaly mode at once; as a context, until its end."""

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        self._before = modes.anomaly, modes.anomaly_nan
        modes.anomaly, modes.anomaly_nan = mode, check_nan

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exc: object) -> None:
        modes.anomaly, modes.anomaly_nan = self._before


class detect_anomaly:
    """Inside, forward lines are remembered and NaN in a backward raises."""

    def __init__(self, check_nan: bool = True) -> None:
        self.check_nan = check_nan
        warnings.warn(
            "Anomaly Detection has been enabled. This mode will increase the runtime and should only be "
            "enabled for debugging.",
            UserWarning,
            stacklevel=2,
        )

    def __enter__(self) -> None:
        self._before = modes.anomaly, modes.anomaly_nan
        modes.anomaly, modes.anomaly_nan = True, self.check_nan

    def __exit__(self, *exc: object) -> None:
        modes.anomaly, modes.anomaly_nan = self._before
