"""A cache of activations with a memory limit; spikes are stored as single bits."""

import math
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from autosnn_nni.kernels.spikes import Spikes

_BITS = 8


@dataclass(frozen=True)
class Packed:
    """A tensor, as bits if all its values are 0 or 1; values and memory layout are preserved."""

    values: Tensor
    shape: torch.Size
    order: tuple[int, ...]
    dtype: torch.dtype

    @classmethod
    def of(cls, x: Tensor) -> "Packed":
        """Pack ``x``; any values are allowed."""
        order = tuple(sorted(range(x.dim()), key=x.stride, reverse=True))
        flat = x.permute(order).reshape(-1)
        if flat.equal(flat * flat):
            flat = _to_bits(flat)
        return cls(
            flat.clone() if flat.data_ptr() == x.data_ptr() else flat, x.shape, order, x.dtype
        )

    def unpack(self) -> Tensor:
        """Restore the tensor."""
        count = math.prod(self.shape)
        flat = self.values
        if flat.dtype == torch.uint8:
            flat = _from_bits(flat, self.dtype)[:count]
        inverse = sorted(range(len(self.order)), key=self.order.__getitem__)
        return flat.view([self.shape[dim] for dim in self.order]).permute(inverse)

    @property
    def size(self) -> int:
        """Size in bytes."""
        return self.values.numel() * self.values.element_size()


@dataclass(frozen=True)
class Bits:
    """Spikes of the kernels, which are bits already."""

    spikes: Spikes

    def unpack(self) -> Tensor:
        """The spikes."""
        return self.spikes

    @property
    def size(self) -> int:
        """Size in bytes."""
        return self.spikes.bits.numel()


def _packed(x: Tensor) -> Packed | Bits:
    return Bits(x) if isinstance(x, Spikes) else Packed.of(x)


def _to_bits(flat: Tensor) -> Tensor:
    padded = F.pad(flat, (0, -len(flat) % _BITS)).view(-1, _BITS)
    values = 2 ** torch.arange(_BITS, device=flat.device)
    return (padded @ values.to(flat.dtype)).to(torch.uint8)  # exact, as it is at most 255


def _from_bits(values: Tensor, dtype: torch.dtype) -> Tensor:
    bits = torch.arange(2**_BITS, device=values.device)[:, None] >> torch.arange(
        _BITS, device=values.device
    )
    return (bits & 1).to(dtype).index_select(0, values.int()).flatten()


class ActivationCache:
    """Keeps activations of one generation for the next, in at most ``limit`` bytes.

    The least recently used entries are evicted first, except those of the current generation: if
    the cache is too small for a generation, it keeps the part that fits.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.size = 0
        self._entries: OrderedDict[Hashable, tuple[int, Any, list[Packed | Bits]]] = OrderedDict()
        self._generation = 0

    def next_generation(self) -> None:
        """Start a new generation; entries of earlier ones may be evicted."""
        self._generation += 1

    def get(self, key: Hashable) -> tuple[Any, list[Tensor]] | None:
        """Return the extra value and the activations of ``key``, or ``None``."""
        if key not in self._entries:
            return None
        _, extra, steps = self._entries[key]
        self._entries[key] = self._generation, extra, steps
        self._entries.move_to_end(key)
        return extra, [step.unpack() for step in steps]

    def put(self, key: Hashable, extra: Any, steps: Sequence[Tensor]) -> None:
        """Store the extra value and the activations if there is room."""
        packed: list[Packed | Bits] = []
        for step in steps if self.limit else ():
            packed.append(_packed(step))
            if not self._make_room(_size(packed)):
                return  # without packing the others
        if packed:
            self._entries[key] = self._generation, extra, packed
            self.size += _size(packed)

    def _make_room(self, size: int) -> bool:
        while self.size + size > self.limit and self._oldest() < self._generation:
            _, (_, _, old) = self._entries.popitem(last=False)
            self.size -= _size(old)
        return self.size + size <= self.limit

    def _oldest(self) -> int:
        if not self._entries:
            return self._generation
        return next(iter(self._entries.values()))[0]


def _size(packed: Sequence[Packed | Bits]) -> int:
    return sum(one.size for one in packed)
