"""What the paths of a supernet cost on average: N_avg of Eq. 3, for spikes and for other costs."""

import math
from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean

from autosnn_nni.errors import UserError
from autosnn_nni.search_spaces import NetworkConfig, build_network, describe, timesteps_name
from autosnn_nni.strategies import Fitness, Measurements


def average_cost(fitness: Fitness, trained: Measurements, config: NetworkConfig) -> float:
    """The mean cost of a supernet's paths, for the ``fitness``.

    ``trained`` are the means over the paths of its training, and ``config`` is that of its space.
    Raises :class:`UserError` if a version trained it that did not count the operations.
    """
    average = fitness.objective.value(trained)
    if math.isnan(average):
        average = fitness.objective.value(_with_sizes(trained, config))
    if math.isnan(average):
        raise UserError(
            f"the mean {fitness.cost} of this supernet's paths is not known: an earlier version "
            "trained it; choose --fitness spikes, or train it again in another --output"
        )
    return average


def _with_sizes(trained: Measurements, config: NetworkConfig) -> Measurements:
    """Add the mean parameters, neurons and timesteps of all architectures of the space.

    Each block adds its own, wherever the others are. So the mean over the architectures with one
    block throughout is that over all of them.
    """
    sizes = [_sizes(config, block) for block in config.candidates]
    return replace(
        trained,
        parameters=fmean(parameters for parameters, _ in sizes),
        neurons=fmean(neurons for _, neurons in sizes),
        timesteps=fmean(config.timesteps_choice),
    )


def _sizes(config: NetworkConfig, block: str) -> tuple[int, int]:
    """Parameters and neurons of the architecture with one block throughout."""
    blocks: Sequence[str] = (block,) * config.macro.tbd_blocks
    if not isinstance(config.timesteps, int):
        blocks = (*blocks, timesteps_name(config.timesteps[0]))
    own, blocks = config.stand_alone(blocks)
    found = describe(build_network(own, blocks), own, blocks)
    return found.parameters, found.neurons
