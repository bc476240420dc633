"""Weights of a convolution in the forms that the kernels read; see ``c/convolution.c``."""

from torch import Tensor

from autosnn_nni.kernels.library import Convolution, run


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
