"""Process groups of one process: who is in them, and what may not be asked of them."""

from __future__ import annotations

import enum
import re
from typing import Any

from ..core.config import variable
from ..core.device import accelerators
from ..core.errors import missing

__all__ = [
    "Backend", "GroupMember", "ProcessGroup", "ReduceOp", "destroy_process_group", "get_backend",
    "get_default_backend_for_device", "get_global_rank", "get_group_rank", "get_node_local_rank",
    "get_process_group_ranks", "get_rank", "get_world_size", "group", "init_process_group",
    "is_available", "is_backend_available", "is_gloo_available", "is_initialized",
    "is_mpi_available", "is_nccl_available", "is_torchelastic_launched", "is_ucc_available",
    "is_xccl_available", "new_group",
]  # fmt: skip

_WAY_OUT = (
    "one process drives all of JAX's devices: shard arrays over them with jax.sharding; "
    "several hosts start with jax.distributed.initialize"
)


class ReduceOp:
    """How ``all_reduce`` and the like put numbers together."""

    class RedOpType(enum.Enum):
        SUM = 0
        AVG = 1
        PRODUCT = 2
        MIN = 3
        MAX = 4
        BAND = 5
        BOR = 6
        BXOR = 7
        PREMUL_SUM = 8

        def __repr__(self) -> str:
            return f"<RedOpType.{self.name}: {self.value}>"

    SUM, AVG, PRODUCT = RedOpType.SUM, RedOpType.AVG, RedOpType.PRODUCT
    MIN, MAX = RedOpType.MIN, RedOpType.MAX
    BAND, BOR, BXOR = RedOpType.BAND, RedOpType.BOR, RedOpType.BXOR
    PREMUL_SUM = RedOpType.PREMUL_SUM


class Backend(str):
    """A backend's name in lower case; here all of them are one process's own memory.

    Raises:
        ValueError: no string.
    """

    UNDEFINED, GLOO, NCCL, UCC, MPI, XCCL = "undefined", "gloo", "nccl", "ucc", "mpi", "xccl"
    backend_list = (UNDEFINED, GLOO, NCCL, XCCL, UCC, MPI)

    def __new__(cls, name: str) -> Backend:
        if not isinstance(name, str):
            raise ValueError("Backend constructor parameter must be string-ish")
        return super().__new__(cls, name.lower())


class ProcessGroup:
    """The one process, as a group."""

    def __init__(self, backend: str, ranks: list[int]) -> None:
        self._backend = backend
        self._ranks = ranks

    def rank(self) -> int:
        return 0 if self._ranks else -1

    def size(self) -> int:
        return len(self._ranks)

    def name(self) -> str:
        return self._backend


class _World:
    """The groups that there are; the first is the default one."""

    def __init__(self) -> None:
        self.groups: list[ProcessGroup] = []


_world = _World()


class _GroupMeta(type):
    @property
    def WORLD(cls) -> ProcessGroup | None:
        return _world.groups[0] if _world.groups else None


class group(metaclass=_GroupMeta):
    """``group.WORLD`` is the default group."""


class GroupMember(metaclass=_GroupMeta):
    """``GroupMember.WORLD`` is the default group."""

    NON_GROUP_MEMBER = -100


# --- beginning and end -----------------------------------------------------------------------------


def init_process_group(
    backend: str | None = None, init_method: str | None = None, timeout: Any = None,
    world_size: int = -1, rank: int = -1, store: Any = None, group_name: str = "",
    pg_options: Any = None, device_id: Any = None, _ranks: Any = None,
) -> None:  # fmt: skip
    """Makes the default group: this process alone.

    Raises:
        NotImplementedError: more than one process. ValueError: a second default group, or no rank.
    """
    if _world.groups:
        raise ValueError("trying to initialize the default process group twice!")
    name = _checked_backend(Backend("gloo" if backend is None else backend))
    rank, world_size = _rank_and_size(init_method, store, rank, world_size)
    if world_size != 1:
        raise missing(f"distributed.init_process_group(world_size={world_size})", _WAY_OUT)
    if rank != 0:
        raise RuntimeError(f"rank < size. {rank} vs {world_size}")
    _world.groups.append(ProcessGroup(name, [0]))


def _checked_backend(name: Backend) -> str:
    """``gloo``, or ``cpu:gloo,cuda:nccl``."""
    for part in name.split(","):
        short = part.rpartition(":")[2]
        if short not in Backend.backend_list[1:]:
            raise AssertionError(f"Unknown backend type {short}")
        if short == "nccl" and not accelerators():
            raise RuntimeError("Distributed package doesn't have NCCL built in")
        if short in ("mpi", "ucc", "xccl"):
            raise RuntimeError(f"Distributed package doesn't have {short.upper()} built in")
    return str(name)


def _rank_and_size(method: Any, store: Any, rank: int, world_size: int) -> tuple[int, int]:
    """As given, from the URL's query, or from the environment."""
    if store is not None:
        return rank, world_size
    method = method or "env://"
    kind = re.match(r"(\w+)://", method)
    if kind is None or kind[1] not in ("env", "file", "tcp"):
        scheme = kind[1] if kind else ""
        raise RuntimeError(f"No rendezvous handler for {scheme}://")
    query = dict(re.findall(r"[?&](rank|world_size)=(-?\d+)", method))
    rank = int(query.get("rank", rank))
    world_size = int(query.get("world_size", world_size))
    for name, value in (("rank", rank), ("world_size", world_size)):
        if value != -1:
            continue
        if kind[1] != "env":
            words = "rank" if name == "rank" else "world size"
            raise ValueError(
                f"Error initializing torch.distributed using {kind[1]}:// rendezvous: "
                f"{words} parameter missing"
            )
        found = variable(name.upper())
        if found is None:
            raise ValueError(
                "Error initializing torch.distributed using env:// rendezvous: environment "
                f"variable {name.upper()} expected, but not set"
            )
        rank, world_size = (int(found), world_size) if name == "rank" else (rank, int(found))
    return rank, world_size


def destroy_process_group(group: ProcessGroup | None = None) -> None:
    """Forgets a group; without one, all of them.

    Raises:
        AssertionError, ValueError: there is no such group.
    """
    if group is None and not _world.groups:
        raise AssertionError("Process group cannot be None")
    if group is None or group is _world.groups[0]:
        _world.groups.clear()
    elif group in _world.groups:
        _world.groups.remove(group)
    else:
        raise ValueError("Invalid process group specified")


def new_group(
    ranks: Any = None, timeout: Any = None, backend: Any = None, pg_options: Any = None,
    use_local_synchronization: bool = False, group_desc: Any = None, device_id: Any = None,
    sort_ranks: bool = True,
) -> ProcessGroup:  # fmt: skip
    """Another group of the same process.

    Raises:
        ValueError: a rank that is not there.
    """
    world = default_group()
    ranks = [0] if ranks is None else list(ranks)
    if len(ranks) > 1:
        raise ValueError(
            "the new group's world size should be less or equal to the world size set by "
            "init_process_group"
        )
    for r in ranks:
        if r != 0:
            raise ValueError(f"Rank {r} is out of range. Valid ranks are 0 to 0 (world_size=1)")
    name = world.name() if backend is None else _checked_backend(Backend(backend))
    made = ProcessGroup(name, ranks)
    _world.groups.append(made)
    return made


def default_group() -> ProcessGroup:
    """The group that a call without one means.

    Raises:
        ValueError: there is none yet.
    """
    if not _world.groups:
        raise ValueError(
            "Default process group has not been initialized, please make sure to call "
            "init_process_group."
        )
    return _world.groups[0]


# --- questions -----------------------------------------------------------------------------------------


def is_available() -> bool:
    return True


def is_initialized() -> bool:
    return bool(_world.groups)


def is_gloo_available() -> bool:
    return True


def is_nccl_available() -> bool:
    """``nccl`` may be asked for where there is an accelerator."""
    return bool(accelerators())


def is_mpi_available() -> bool:
    return False


def is_ucc_available() -> bool:
    return False


def is_xccl_available() -> bool:
    return False


def is_backend_available(backend: str) -> bool:
    known = {"gloo": is_gloo_available, "nccl": is_nccl_available}
    return known[backend.lower()]() if backend.lower() in known else False


def is_torchelastic_launched() -> bool:
    """Whether ``torchrun`` started this process."""
    return variable("TORCHELASTIC_RUN_ID") is not None


def get_rank(group: ProcessGroup | None = None) -> int:
    return (default_group() if group is None else group).rank()


def get_world_size(group: ProcessGroup | None = None) -> int:
    return (default_group() if group is None else group).size()


def get_backend(group: ProcessGroup | None = None) -> str:
    return (default_group() if group is None else group).name()


def get_default_backend_for_device(device: Any) -> str:
    return "nccl" if str(device).startswith("cuda") else "gloo"


def get_process_group_ranks(group: ProcessGroup | None) -> list[int]:
    return list((default_group() if group is None else group)._ranks)


def get_global_rank(group: ProcessGroup, group_rank: int) -> int:
    return group_rank


def get_group_rank(group: ProcessGroup, global_rank: int) -> int:
    return global_rank


def get_node_local_rank(fallback_rank: int | None = None) -> int:
    """``LOCAL_RANK`` of the environment.

    Raises:
        RuntimeError: it is not set, and there is no fallback.
    """
    found = variable("LOCAL_RANK")
    if found is not None:
        return int(found)
    if fallback_rank is not None:
        return int(fallback_rank)
    raise RuntimeError(
        "LOCAL_RANK is not in the environment. Consider passing fallback_rank to allow "
        "`get_node_local_rank` to work, assuming you are not running in a multi-device context "
        "and want the code to run locally instead."
    )
