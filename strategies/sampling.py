"""How the paths that train a supernet are drawn, by name.

A step of the optimiser trains one path or several on the same mini-batch, whose gradients are
averaged. A new sampling is one class and one ``SAMPLINGS.add`` line.
"""

import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from random import Random
from typing import Protocol

from nni.nas.nn.pytorch import ModelSpace

from autosnn_nni.registry import Registry
from autosnn_nni.search_spaces import TIMESTEPS, Architecture, in_order, split_timesteps
from autosnn_nni.strategies.choices import Choices


class Sampling(Protocol):
    """What every sampling offers; it is made of a model space."""

    @property
    def per_step(self) -> int:
        """How many paths a step of the optimiser trains."""
        ...

    @property
    def distils(self) -> bool:
        """Whether a step's first path teaches the others, in place of the labels."""
        ...

    def paths(self, rng: Random) -> Iterator[Architecture]:
        """Paths without end, step after step."""
        ...


class Uniform:
    """Single-path uniform sampling (paper Section 4.2)."""

    per_step = 1
    distils = False

    def __init__(self, space: ModelSpace) -> None:
        self.choices = Choices.of(space)

    def paths(self, rng: Random) -> Iterator[Architecture]:
        """One path a step."""
        while True:
            yield self.choices.random(rng)


class Fair:
    """Strict fairness (FairNAS, Chu et al. 2021): a step trains every candidate block once.

    A TBD block with fewer candidates than another repeats some.
    """

    distils = False

    def __init__(self, space: ModelSpace) -> None:
        self.choices = Choices.of(space)
        self.per_step = max(map(len, self.choices))

    def paths(self, rng: Random) -> Iterator[Architecture]:
        """As many paths a step as a TBD block has candidates, each in one of them."""
        while True:
            orders = [self._order(rng, candidates) for candidates in self.choices]
            yield from zip(*orders, strict=True)

    def _order(self, rng: Random, candidates: tuple[str, ...]) -> list[str]:
        order: list[str] = []
        while len(order) < self.per_step:
            order += rng.sample(candidates, len(candidates))
        return order[: self.per_step]


class Sandwich:
    """The sandwich rule with in-place distillation (BigNAS, Yu et al. 2020).

    A step trains the path with the most parameters (and timesteps, where they are a choice), the
    one with the fewest, and two at random; all but the first learn what the first one answers.
    """

    per_step = 4
    distils = True

    def __init__(self, space: ModelSpace) -> None:
        self.choices = Choices.of(space)
        sizes = _sizes(space)
        slots = list(enumerate(self.choices))
        self.largest = tuple(max(slot, key=lambda name: sizes[i, name]) for i, slot in slots)
        self.smallest = tuple(min(slot, key=lambda name: sizes[i, name]) for i, slot in slots)

    def paths(self, rng: Random) -> Iterator[Architecture]:
        """The largest, the smallest, and two more."""
        while True:
            yield self.largest
            yield self.smallest
            for _ in range(self.per_step - 2):
                yield self.choices.random(rng)


def _sizes(space: ModelSpace) -> Counter[tuple[int, str]]:
    """Parameters of every candidate, or its timesteps, by the place of what it is for, from 0."""
    mutables = space.simplify()
    places = {label: place for place, label in enumerate(in_order(mutables))}
    sizes: Counter[tuple[int, str]] = Counter()
    if TIMESTEPS in places:
        for name in mutables[TIMESTEPS].values:
            _, count = split_timesteps((name,))
            sizes[places[TIMESTEPS], name] = count or 0
    for path, weights in space.named_parameters():
        parts = path.split(".")
        for label, name in itertools.pairwise(parts):
            if label in places:
                sizes[places[label], name] += weights.numel()
    return sizes


SAMPLINGS: Registry[Callable[[ModelSpace], Sampling]] = Registry("sampling")
SAMPLINGS.add("uniform", Uniform)
SAMPLINGS.add("fair", Fair)
SAMPLINGS.add("sandwich", Sandwich)
