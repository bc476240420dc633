"""A space as the searches see it: the candidates of every TBD block, and of the timesteps."""

import itertools
import math
from collections.abc import Collection
from random import Random
from typing import Any

from autosnn_nni.search_spaces import Architecture, in_order


class Choices(tuple[tuple[str, ...], ...]):
    """One tuple of candidate names per TBD block."""

    @classmethod
    def of(cls, space: Any) -> "Choices":
        """The choices of an NNI model space."""
        mutables = space.simplify()
        return cls(tuple(mutables[label].values) for label in in_order(mutables))

    @property
    def size(self) -> int:
        """The number of architectures."""
        return math.prod(len(candidates) for candidates in self)

    def random(self, rng: Random) -> Architecture:
        """Draw one architecture uniformly."""
        return tuple(rng.choice(candidates) for candidates in self)

    def unseen(self, rng: Random, count: int, seen: Collection[Architecture]) -> list[Architecture]:
        """Draw up to ``count`` different architectures that are not in ``seen``, uniformly."""
        left = self.size - len(seen)
        if left < self.size / 2:  # most draws would be rejected
            rest = [blocks for blocks in itertools.product(*self) if blocks not in seen]
            return rng.sample(rest, min(count, len(rest)))
        fresh: dict[Architecture, None] = {}
        while len(fresh) < min(count, left):
            blocks = self.random(rng)
            if blocks not in seen:
                fresh[blocks] = None
        return list(fresh)
