"""A search goes from generation to generation: propose, evaluate, remember."""

from collections.abc import Mapping, Sequence

from autosnn_nni.search_spaces import Architecture
from autosnn_nni.strategies.choices import Choices
from autosnn_nni.strategies.history import Evaluated, History, Metrics
from autosnn_nni.strategies.searches import Search


def next_generation(search: Search, choices: Choices, history: History) -> list[Architecture]:
    """What ``search`` wants evaluated next; empty when it is over."""
    if history.generations >= search.rounds:
        return []
    return search.propose(choices, history)


def close_generation(
    history: History,
    population: Sequence[Architecture],
    metrics: Mapping[Architecture, Metrics],
) -> None:
    """Add a generation's evaluated architectures; those without ``metrics`` have failed.

    Raises ``RuntimeError`` when all have: the search would propose the same ones for ever.
    """
    generation = history.generations + 1
    succeeded = [blocks for blocks in population if blocks in metrics]
    if not succeeded:
        raise RuntimeError(f"every trial of generation {generation} failed; see the trials' logs")
    history.extend(Evaluated.of(blocks, metrics[blocks], generation) for blocks in succeeded)
