"""Sampling of the paths that train a supernet, by name.

An optimiser step trains one or several paths on the same mini-batch and averages their gradients.
To add a sampling, write one class and one ``SAMPLINGS.add`` line.
"""

import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from random import Random
from typing import TYPE_CHECKING, Protocol

from autosnn_nni.registry import Registry
from autosnn_nni.search_spaces import TIMESTEPS, Architecture, in_order, split_timesteps
from autosnn_nni.strategies.choices import Choices

if TYPE_CHECKING:  # importing NNI takes seconds
    from nni.nas.nn.pytorch import ModelSpace


class Sampling(Protocol):
    """The interface of a sampling, which is made from a model space."""

    @property
    def per_step(self) -> int:
        """The number of paths that an optimiser step trains."""
        ...

    @property
    def distils(self) -> bool:
        """Whether a step's first path is the teacher of the others, instead of the labels."""
        ...

    def paths(self, rng: Random) -> Iterator[Architecture]:
        """Yield paths without end, step by step."""
        ...


class Uniform:
    """Single-path uniform sampling (paper Section 4.2)."""

    per_step = 1
    distils = False

    def __init__(self, space: "ModelSpace") -> None:
        self.choices = Choices.of(space)

    def paths(self, rng: Random) -> Iterator[Architecture]:
        """Yield one path per step."""
        while True:
            yield self.choices.random(rng)


class Fair:
    """Strict fairness (FairNAS, Chu et al. 2021): a step trains every candidate block once.

    If TBD blocks differ in their number of candidates, the smaller ones repeat some.
    """

    distils = False

    def __init__(self, space: "ModelSpace") -> None:
        self.choices = Choices.of(space)
        self.per_step = max(map(len, self.choices))

    def paths(self, rng: Random) -> Iterator[Architecture]:
        """Yield as many paths per step as a TBD block has candidates, each with another one."""
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

    A step trains the path with the most parameters (and timesteps, if they are a choice), the one
    with the fewest, and two at random. The first path's votes are the targets of the others.
    """

    per_step = 4
    distils = True

    def __init__(self, space: "ModelSpace") -> None:
        self.choices = Choices.of(space)
        sizes = _sizes(space)
        slots = list(enumerate(self.choices))
        self.largest = tuple(max(slot, key=lambda name: sizes[i, name]) for i, slot in slots)
        self.smallest = tuple(min(slot, key=lambda name: sizes[i, name]) for i, slot in slots)

    def paths(self, rng: Random) -> Iterator[Architecture]:
        """Yield the largest, the smallest, and two random paths per step."""
        while True:
            yield self.largest
            yield self.smallest
            for _ in range(self.per_step - 2):
                yield self.choices.random(rng)


def _sizes(space: "ModelSpace") -> Counter[tuple[int, str]]:
    """Parameters (or timesteps) of every candidate, by the index of its choice and its name."""
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


SAMPLINGS: "Registry[Callable[[ModelSpace], Sampling]]" = Registry("sampling")
SAMPLINGS.add("uniform", Uniform)
SAMPLINGS.add("fair", Fair)
SAMPLINGS.add("sandwich", Sandwich)
