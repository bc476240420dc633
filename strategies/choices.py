"""A space as the searches see it: the candidates of every TBD block, and of the timesteps."""

import itertools
import math
from collections.abc import Callable, Collection
from random import Random
from typing import Any

from autosnn_nni.search_spaces import Architecture, in_order

#: Draws per new architecture, if not all are allowed, before the rest counts as exhausted.
_DRAWS = 200


def _allow_all(blocks: Architecture) -> bool:
    return True


class Choices(tuple[tuple[str, ...], ...]):
    """One tuple of candidate names per TBD block.

    ``allowed`` tells which architectures may be proposed: all of them, or those of :meth:`only`.
    """

    allowed: Callable[[Architecture], bool] = staticmethod(_allow_all)

    def only(self, allowed: Callable[[Architecture], bool]) -> "Choices":
        """The same choices, of which only some architectures may be proposed."""
        limited = Choices(self)
        limited.allowed = allowed
        return limited

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
        if self.allowed is not _allow_all:
            return self._unseen_allowed(rng, count, seen)
        if left < self.size / 2:  # most draws would be rejected
            rest = [blocks for blocks in itertools.product(*self) if blocks not in seen]
            return rng.sample(rest, min(count, len(rest)))
        fresh: dict[Architecture, None] = {}
        while len(fresh) < min(count, left):
            blocks = self.random(rng)
            if blocks not in seen:
                fresh[blocks] = None
        return list(fresh)

    def _unseen_allowed(
        self, rng: Random, count: int, seen: Collection[Architecture]
    ) -> list[Architecture]:
        """The same of the allowed ones; fewer if new ones have become rare."""
        fresh: dict[Architecture, None] = {}
        for _ in range(_DRAWS * count):
            if len(fresh) == count:
                break
            blocks = self.random(rng)
            if blocks not in seen and self.allowed(blocks):
                fresh[blocks] = None
        return list(fresh)
