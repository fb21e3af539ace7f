"""``Tensor``: a reference to a value that can be rebound. What an op can do is bound from ``OPS``;
here is what a tensor *is*: storage, view chain, gradient state, and the members that are no op."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import jax

from . import dtypes
from .device import device
from .dtypes import dtype
from .errors import check_gradient
from .modes import modes
from .shapes import Size
from .tape import AccumulateGrad, Edge, Node, RemovableHandle
from .unsupported import explain
from .value import Aval, Value


class Storage:
    """The contents that a tensor shares with its views and ``detach``-ed twins."""

    __slots__ = ("__weakref__", "born", "epoch", "host", "value", "version", "writer")
    clock = 0  # advances when a function transform begins

    def __init__(self, value: Value) -> None:
        self.value = value
        self.born = Storage.clock  # tells a transform what it captured from what it made
        self.epoch = 0  # counts every write; views compare it to know that they are stale
        self.version = 0  # counts the writes that autograd may see (not those through .data)
        self.writer: str | None = None  # the node of the last write that autograd saw, for messages


class TensorMeta(type):
    """Lets ``isinstance(x, torch.FloatTensor)``-like checks and ``Parameter`` build on Tensor."""

    def __repr__(cls) -> str:
        text = type.__repr__(cls)
        own, is_ours = __name__.partition(".")[0], cls.__module__.partition(".")[0]
        if own != is_ours:
            return text
        return "<class 'torch.Tensor'>" if cls is Tensor else text.replace(own, "torch", 1)


class Tensor(metaclass=TensorMeta):
    """A multi-dimensional array of one dtype on one device."""

    # Class-level defaults keep the creation of a result down to one attribute.
    _storage: Storage
    _chain: tuple[Any, ...] | None = None  # the view steps from the storage's value to this tensor
    _view_value: Value | None = None
    _view_epoch = -1
    _base: Tensor | None = None
    _rg = False
    _edge: Edge | None = None
    _edge_version = 0  # how often this tensor's history was replaced by an in-place write
    _base_seen = 0
    # A view that got its history from a later write to its base, and nobody has asked for it yet:
    # PyTorch makes it when asked, and until then calls the view a leaf.
    _is_unseen = False
    _grad: Tensor | None = None
    _accumulator: weakref.ref[AccumulateGrad] | None = None
    _hooks: dict[int, Callable[..., Any]] | None = None
    _post_accumulate: dict[int, Callable[..., Any]] | None = None
    _retains = False
    _quiet = False  # made by .data: writes do not bump the version
    _inference = False
    _tangents: dict[Any, Tensor] | None = None  # by level of forward mode; see ``core.forward``
    _is_param = False
    _is_dense = True
    __array_priority__ = 1000

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        if cls is Tensor or not args or not isinstance(args[0], Tensor):
            return CONSTRUCTORS["legacy"](cls, *args, **kwargs)
        return alias(args[0], cls)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    # --- value -------------------------------------------------------------------------------

    @property
    def _v(self) -> Value:
        """The current value."""
        return self._storage.value if self._chain is None else self._read()

    def _read(self) -> Value:
        """The current value of a view: derived anew if its storage was written to."""
        storage = self._storage
        if self._view_epoch != storage.epoch:
            self._view_value = VIEWS["derive"](storage.value, self._chain)
            self._view_epoch = storage.epoch
            if self._tangents is not None:
                self._view_value.aval = self._view_value.aval.but(dual=True)  # type: ignore[union-attr]
        base = self._base
        if base is not None:
            if base._chain is not None:
                base._read()
            if base._edge_version != self._base_seen:
                VIEWS["rederive"](self)
        assert self._view_value is not None
        return self._view_value

    @property
    def _aval(self) -> Aval:
        return self._v.aval

    # --- what is known without looking at numbers --------------------------------------------

    @property
    def shape(self) -> Size:
        return Size(self._v.aval.shape)

    @property
    def dtype(self) -> dtype:
        return self._v.aval.dtype

    @property
    def device(self) -> device:
        return self._v.aval.device

    @property
    def ndim(self) -> int:
        return self._v.aval.ndim

    def dim(self) -> int:
        return self._v.aval.ndim

    ndimension = dim

    def numel(self) -> int:
        return self._v.aval.numel

    nelement = numel

    def size(self, dim: int | None = None) -> Any:
        """The shape, or the length of one dim.

        Raises:
            IndexError: no such dim.
        """
        shape = self._v.aval.shape
        if dim is None:
            return Size(shape)
        if not -len(shape) <= dim < len(shape):
            from .errors import dim_out_of_range

            raise dim_out_of_range(dim, len(shape))
        return shape[dim]

    @property
    def itemsize(self) -> int:
        return self.dtype.itemsize

    def element_size(self) -> int:
        return self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        return self.numel() * self.dtype.itemsize

    def is_floating_point(self) -> bool:
        return self.dtype.is_floating_point

    def is_complex(self) -> bool:
        return self.dtype.is_complex

    def is_signed(self) -> bool:
        return self.dtype.is_signed

    def get_device(self) -> int:
        on = self.device
        return -1 if on.type == "cpu" else on.index or 0

    @property
    def is_cuda(self) -> bool:
        return self.device.type == "cuda"

    @property
    def is_cpu(self) -> bool:
        return self.device.type == "cpu"

    @property
    def is_meta(self) -> bool:
        return self.device.type == "meta"

    # --- autograd ----------------------------------------------------------------------------

    @property
    def requires_grad(self) -> bool:
        if self._chain is not None:
            self._read()
        return self._rg

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if value and not self._aval.inexact:
            raise RuntimeError(
                "only Tensors of floating point and complex dtype can require gradients"
            )
        self.requires_grad_(value)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Starts (or stops) recording operations on this leaf.

        Raises:
            RuntimeError: no leaf, or the dtype has no gradients.
        """
        if self._grad_edge_or_none() is not None and self._edge is not None:
            if requires_grad:
                return self
            raise RuntimeError(
                "you can only change requires_grad flags of leaf variables. If you want to use a "
                "computed variable in a subgraph that doesn't require differentiation use "
                "var_no_grad = var.detach()."
            )
        if requires_grad and not self._aval.inexact:
            raise RuntimeError("only Tensors of floating point dtype can require gradients")
        if requires_grad and self._inference and not modes.inference:
            raise RuntimeError(
                "Setting requires_grad=True on inference tensor outside InferenceMode is not allowed."
            )
        if modes.transforms and requires_grad:
            raise RuntimeError(
                "You are attempting to call Tensor.requires_grad_() (or perhaps using "
                "torch.autograd.functional.* APIs) inside of a function being transformed by a functorch "
                "transform. This is unsupported, please attempt to use the functorch transforms (e.g. grad, "
                "vjp, jacrev, jacfwd, hessian) or call requires_grad_() outside of a function being "
                "transformed instead."
            )
        self._rg = bool(requires_grad)
        return self

    def _grad_edge_or_none(self) -> Edge | None:
        """The edge that leads to this tensor's maker, or to its accumulator if it is a leaf."""
        if self._chain is not None:
            self._read()
        if not self._rg:
            return None
        if self._edge is not None:
            if self._is_unseen:
                self._is_unseen = False
            return self._edge
        node = None if self._accumulator is None else self._accumulator()
        if node is None:
            node = AccumulateGrad(self)
            self._accumulator = weakref.ref(node)
        return node, 0

    @property
    def is_leaf(self) -> bool:
        return self.grad_fn is None

    @property
    def grad_fn(self) -> Node | None:
        if self._chain is not None:
            self._read()
            self._is_unseen = False
        return None if self._edge is None else self._edge[0]

    @property
    def output_nr(self) -> int:
        return 0 if self._edge is None else self._edge[1]

    @property
    def grad(self) -> Tensor | None:
        if modes.capture is not None:
            modes.capture.touched_grad(self, read=True)
        if self._grad is None and self._edge is not None and not self._retains:
            import warnings

            warnings.warn(
                "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad "
                "attribute won't be populated during autograd.backward(). If you indeed want the .grad "
                "field to be populated for a non-leaf Tensor, use .retain_grad() on the non-leaf Tensor. "
                "If you access the non-leaf Tensor by mistake, make sure you access the leaf Tensor "
                "instead. See github.com/pytorch/pytorch/pull/30531 for more informations.",
                UserWarning,
                stacklevel=2,
            )
        return self._grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            if not isinstance(value, Tensor):
                raise TypeError(
                    f"assigned grad expected to be a Tensor or None but got grad of type {type(value).__name__}"
                )
            if value is self:
                raise RuntimeError("can't assign Variable as its own grad")
            check_gradient(self._aval, value._aval)
        if modes.capture is not None:
            modes.capture.touched_grad(self, read=False)
        self._grad = value

    @grad.deleter
    def grad(self) -> None:
        if modes.capture is not None:
            modes.capture.touched_grad(self, read=False)
        self._grad = None

    @property
    def retains_grad(self) -> bool:
        return self._retains

    def retain_grad(self) -> None:
        """Keeps ``.grad`` of a non-leaf.

        Raises:
            RuntimeError: no gradient is recorded for it.
        """
        if not self.requires_grad:
            raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
        if self._edge is None or self._retains:
            return
        node, index = self._edge
        if node.retain is None:
            node.retain = {}
            node.is_watched = True
        node.retain[index] = weakref.ref(self)
        self._retains = True

    def register_hook(self, hook: Callable[[Tensor], Any]) -> RemovableHandle:
        """``hook(grad)`` runs when the gradient of this tensor is known; what it returns replaces it.

        Raises:
            RuntimeError: no gradient is recorded.
        """
        if not self.requires_grad:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        if self._edge is None:
            if self._hooks is None:
                self._hooks = {}
            return RemovableHandle(self._hooks, hook)
        node, index = self._edge
        if node.tensor_hooks is None:
            node.tensor_hooks = {}
            node.is_watched = True
        return RemovableHandle(node.tensor_hooks.setdefault(index, {}), hook)

    def register_post_accumulate_grad_hook(self, hook: Callable[[Tensor], Any]) -> RemovableHandle:
        """``hook(self)`` runs after ``.grad`` was added to.

        Raises:
            RuntimeError: not a leaf that requires grad.
        """
        if not self.requires_grad:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        if self._edge is not None:
            raise RuntimeError(
                "post accumulate grad hooks cannot be registered on non-leaf tensors"
            )
        if self._post_accumulate is None:
            self._post_accumulate = {}
        return RemovableHandle(self._post_accumulate, hook)

    def detach(self) -> Tensor:
        """The same contents, outside the graph."""
        value = self._v
        if value.aval.traced:
            return wrap(Value(value.aval, jax.lax.stop_gradient(value.array)))
        return alias(self, Tensor)

    def detach_(self) -> Tensor:
        """Takes this tensor out of the graph.

        Raises:
            RuntimeError: it is a view.
        """
        if self._base is not None:
            raise RuntimeError("Can't detach views in-place. Use detach() instead")
        self._edge = None
        self._rg = False
        self._edge_version += 1
        return self

    @property
    def data(self) -> Tensor:
        """The same contents, outside the graph, with a version of its own."""
        found = alias(self, type(self) if type(self)._is_param else Tensor)
        if type(found) is not Tensor:
            found = alias(self, Tensor)
        found._quiet = True
        return found

    @data.setter
    def data(self, new: Tensor) -> None:
        if not isinstance(new, Tensor):
            raise TypeError(f"Variable data has to be a tensor, but got {type(new).__name__}")
        if new._v.aval.dtype.category < dtypes.FLOATING and self._rg:
            raise RuntimeError(
                "data set to a tensor that requires gradients must be floating point or complex dtype"
            )
        self._storage = new._storage
        self._chain = new._chain
        self._view_value, self._view_epoch = new._view_value, new._view_epoch
        self._base = None
        self.__dict__.pop("_layout", None)
        if new._chain is not None:
            self.__dict__["_layout"] = new.__dict__["_layout"]

    @property
    def _version(self) -> int:
        if self._inference:
            raise RuntimeError("Inference tensors do not track version counter.")
        return self._storage.version

    def is_inference(self) -> bool:
        return self._inference

    def _is_view(self) -> bool:
        return self._base is not None

    # --- identity ----------------------------------------------------------------------------

    def __hash__(self) -> int:
        return id(self)

    def __getattr__(self, name: str) -> Any:
        """Only for what is not there.

        Raises:
            AttributeError: always, in PyTorch's words and with the hint that it may be a gap.
        """
        text = f"'{type(self).__name__}' object has no attribute '{name}'"
        if not name.startswith("_"):
            text += f"\n{explain(f'Tensor.{name}')}"
        raise AttributeError(text, name=name, obj=self)


# Filled by higher levels, which know how: views re-derive themselves, constructors build.
VIEWS: dict[str, Callable[..., Any]] = {}
CONSTRUCTORS: dict[str, Callable[..., Any]] = {}
# What the sparse package does with a call that dense code refused, see ``errors.SparseOperand``.
SPARSE: dict[str, Callable[..., Any]] = {}
# Asked when a tensor of a subclass is made, and whether one of some objects takes calls over.
SUBCLASSES: list[Callable[..., Any]] = [lambda cls: None, lambda objects: False]


def wrap(value: Value) -> Tensor:
    """A new tensor that owns ``value``."""
    t = object.__new__(Tensor)
    t._storage = Storage(value)
    return t


def alias(t: Tensor, cls: type) -> Any:
    """A tensor of class ``cls`` that shares ``t``'s contents and none of its history."""
    if cls is not Tensor:
        SUBCLASSES[0](cls)
    new = object.__new__(cls)
    new._storage = t._storage
    if t._chain is not None:
        new._chain = t._chain
        new._view_value, new._view_epoch = t._view_value, t._view_epoch
        new.__dict__["_layout"] = t.__dict__["_layout"]
    if t._inference:
        new._inference = True
    return new
