"""Spikes as a tensor of bits."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves, tree_map_only

from autosnn_nni.kernels.library import empty, share

_BITS = 8


class Spikes(Tensor):
    """Spikes ``[T, N, C, ...]`` of all timesteps, one bit each.

    To torch it is a tensor of zeros and ones: operations that don't know it get its values, in a
    dense tensor of their own. It can't be changed. ``bits`` is uint8 ``[T, N, pixels, C / 8]``.
    ``near`` are bits of the neurons whose spikes have a gradient; without it, all may have one.
    """

    bits: Tensor
    near: Tensor | None
    _count: int | None
    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    @staticmethod
    def __new__(cls, bits: Tensor, shape: Sequence[int], dtype: torch.dtype) -> "Spikes":
        """A tensor of this shape and type, whose values are ``bits``."""
        spikes: Spikes = Tensor._make_wrapper_subclass(
            cls, shape, dtype=dtype, device=bits.device, strides=channels_last(shape)
        )
        spikes.bits = bits
        spikes.near = None
        spikes._count = None
        return spikes

    @classmethod
    def empty(cls, shape: Sequence[int], dtype: torch.dtype) -> "Spikes":
        """Bits that are still to be set."""
        timesteps, samples, channels, *size = shape
        row = -(-channels // _BITS)
        return cls(empty(timesteps, samples, math.prod(size), row, dtype=torch.uint8), shape, dtype)

    @classmethod
    def of(cls, values: Tensor) -> "Spikes":
        """Pack ``values`` ``[T, N, C, ...]``, each 0 or 1."""
        spikes = cls.empty(values.shape, values.dtype)
        values = values.movedim(2, -1).contiguous()
        channels = values.shape[-1]
        rows = values.numel() // max(channels, 1)
        share("pack", values.dtype, rows, values, spikes.bits, channels)
        return spikes

    def _same(self, shape: Sequence[int]) -> "Spikes":
        same = type(self)(self.bits, shape, self.dtype)
        same.near = self.near
        same._count = self._count
        return same

    def dense(self) -> Tensor:
        """The values, without a gradient."""
        x = dense_empty(self.shape, self.dtype)
        channels = self.shape[2]
        share("unpack", self.dtype, self.numel() // max(channels, 1), self.bits, x, channels)
        return x

    def density(self) -> float:
        """The share of neurons that fire."""
        return self.count() / max(self.numel(), 1)

    def count(self) -> int:
        """How many spikes there are."""
        if self._count is None:
            self._count = ones(self.bits)
        return self._count

    def __setitem__(self, *_: Any) -> None:
        # Torch would write to a copy.
        raise RuntimeError("spikes can't be changed; let it work on x.clone()")

    # Torch gives these the memory of a tensor, which spikes don't have.

    def numpy(self, *, force: bool = False) -> np.ndarray:
        """The values as an array of its own."""
        return self.clone().numpy(force=force)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.numpy(), dtype, copy=copy)

    def tolist(self) -> list[Any]:
        """The values as lists."""
        return self.clone().tolist()

    def __dlpack__(self, **asked: Any) -> Any:
        return self.clone().__dlpack__(**asked)

    def __deepcopy__(self, memo: Any) -> "Spikes":
        return self._same(self.shape)

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls,
        func: Any,
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        if func is torch.ops.aten.detach.default:
            (spikes,) = args
            detached = spikes._same(spikes.shape)
            detached.near = None  # what gets a gradient now is no neuron
            return detached
        if func is torch.ops.aten.sum.default:
            (spikes,) = args
            return torch.tensor(
                spikes.count(), dtype=(kwargs or {}).get("dtype") or spikes.dtype, device="cpu"
            )
        if func is torch.ops.aten.unsqueeze.default and args[1] in (-1, args[0].dim()):
            spikes, _ = args
            return spikes._same((*spikes.shape, 1))
        if any(isinstance(one, cls) for one in _written(func, args, kwargs or {})):
            raise RuntimeError(f"spikes can't be changed by {func}; let it work on x.clone()")
        args, kwargs = tree_map_only(cls, cls.dense, (tuple(args), kwargs or {}))
        return func(*args, **kwargs)


def channels_last(shape: Sequence[int]) -> list[int]:
    """Strides of ``[T, N, C, ...]`` whose channels are next to one another in memory."""
    _, samples, channels, *size = shape
    strides: list[int] = []
    step = channels
    for side in reversed(size):
        strides.insert(0, step)
        step *= side
    return [samples * step, step, 1, *strides]


def dense_empty(shape: Sequence[int], dtype: torch.dtype) -> Tensor:
    """An empty tensor ``[T, N, C, ...]``, channels last."""
    return torch.empty_strided(tuple(shape), channels_last(shape), dtype=dtype, device="cpu")


def dense(x: Tensor) -> Tensor:
    """``x`` ``[T, N, C, ...]``, channels last in memory."""
    return x.movedim(2, -1).contiguous().movedim(-1, 2)


def _written(func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> list[Any]:
    """The arguments that an operation writes to."""
    arguments = func._schema.arguments
    named = dict(zip((one.name for one in arguments), args, strict=False)) | kwargs
    written = [one.name for one in arguments if one.alias_info and one.alias_info.is_write]
    return tree_leaves([named.get(name) for name in written])


def ones(bits: Tensor) -> int:
    """How many bits are set."""
    flat = bits.numpy().reshape(-1)
    words = flat.view(np.uint64) if len(flat) % 8 == 0 else flat
    return int(np.bitwise_count(words).sum(dtype=np.int64))
