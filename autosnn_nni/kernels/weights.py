"""Weights of a convolution in the forms that the kernels read; see ``c/convolution.c``."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from torch import Tensor
from torch.nn import Parameter

from autosnn_nni.kernels.library import Convolution, run

#: Weights as the kernels need them, by the parameter, which is kept alive, the shape and the way.
_Kept = dict[tuple[int, bytes, int], tuple[Tensor, Tensor]]
_kept: ContextVar[_Kept | None] = ContextVar("kept", default=None)


@contextmanager
def fixed_weights() -> Iterator[None]:
    """Within it no parameter changes, so that each is prepared only once."""
    token = _kept.set({})
    try:
        yield
    finally:
        _kept.reset(token)


def prepare(weight: Tensor, shape: Convolution, way: int, *, table: bool) -> Tensor:
    """The weights as the ``way`` of a convolution needs them: in a ``table``, or only arranged."""
    kept = _kept.get()
    if kept is None or not isinstance(weight, Parameter):  # others may be computed at every call
        return _prepare(weight, shape, way, table=table)
    key = id(weight), bytes(shape), way
    if key not in kept:
        kept[key] = weight, _prepare(weight, shape, way, table=table)
    return kept[key][1]


def _prepare(weight: Tensor, shape: Convolution, way: int, *, table: bool) -> Tensor:
    kernels = arrange(weight, shape)
    return tabulate(shape, way, kernels) if table else kernels


def arrange(weight: Tensor, shape: Convolution) -> Tensor:
    """``[groups, C / groups, k, l, outputs / groups]``, from right to left along ``l``."""
    weight = weight.detach().contiguous()
    kernels = weight.new_empty(weight.numel())
    run("arrange", weight.dtype, shape, weight, kernels)
    return kernels


def tabulate(shape: Convolution, way: int, kernels: Tensor) -> Tensor:
    """The sums of the weights of every eight neurons."""
    table = kernels.new_empty(table_size(shape))
    run("tabulate", kernels.dtype, shape, way, kernels, table)
    return table


def table_size(shape: Convolution) -> int:
    """How many values :func:`tabulate` gives."""
    kernel_size = shape.kernel_height * shape.kernel_width * shape.outputs
    return int(-(-shape.channels // 8) * 256 * kernel_size)
