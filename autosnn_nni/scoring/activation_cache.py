"""Activations kept within a bound on memory, spikes as single bits."""

import math
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

_BITS = 8


@dataclass(frozen=True)
class Packed:
    """A tensor, as bits where all its values are 0 or 1; values and memory layout are kept."""

    values: Tensor
    shape: torch.Size
    order: tuple[int, ...]
    dtype: torch.dtype

    @classmethod
    def of(cls, x: Tensor) -> "Packed":
        """``x``, whatever it holds."""
        order = tuple(sorted(range(x.dim()), key=x.stride, reverse=True))
        flat = x.permute(order).reshape(-1)
        if flat.equal(flat * flat):
            flat = _to_bits(flat)
        return cls(
            flat.clone() if flat.data_ptr() == x.data_ptr() else flat, x.shape, order, x.dtype
        )

    def unpack(self) -> Tensor:
        """The tensor again."""
        count = math.prod(self.shape)
        flat = self.values
        if flat.dtype == torch.uint8:
            flat = _from_bits(flat, self.dtype)[:count]
        inverse = sorted(range(len(self.order)), key=self.order.__getitem__)
        return flat.view([self.shape[dim] for dim in self.order]).permute(inverse)

    @property
    def size(self) -> int:
        """Bytes."""
        return self.values.numel() * self.values.element_size()


def _to_bits(flat: Tensor) -> Tensor:
    padded = F.pad(flat, (0, -len(flat) % _BITS)).view(-1, _BITS)
    values = 2 ** torch.arange(_BITS, device=flat.device)
    return (padded @ values.to(flat.dtype)).to(torch.uint8)  # at most 255: exact


def _from_bits(values: Tensor, dtype: torch.dtype) -> Tensor:
    bits = torch.arange(2**_BITS, device=values.device)[:, None] >> torch.arange(
        _BITS, device=values.device
    )
    return (bits & 1).to(dtype).index_select(0, values.int()).flatten()


class ActivationCache:
    """What was computed of one generation for the next, at most ``limit`` bytes of activations.

    What has not been used for the longest goes first, but never for what the same generation
    has used: a cache that is too small for a generation keeps the part that fits.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.size = 0
        self._entries: OrderedDict[Hashable, tuple[int, Any, list[Packed]]] = OrderedDict()
        self._generation = 0

    def next_generation(self) -> None:
        """What is kept may make room from now on."""
        self._generation += 1

    def get(self, key: Hashable) -> tuple[Any, list[Tensor]] | None:
        """What was kept by this key, the activations last."""
        if key not in self._entries:
            return None
        _, beside, steps = self._entries[key]
        self._entries[key] = self._generation, beside, steps
        self._entries.move_to_end(key)
        return beside, [step.unpack() for step in steps]

    def put(self, key: Hashable, beside: Any, steps: Sequence[Tensor]) -> None:
        """Keep them if there is room."""
        packed: list[Packed] = []
        for step in steps if self.limit else ():
            packed.append(Packed.of(step))
            if not self._make_room(_size(packed)):
                return  # before the others are packed for nothing
        if packed:
            self._entries[key] = self._generation, beside, packed
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


def _size(packed: Sequence[Packed]) -> int:
    return sum(one.size for one in packed)
