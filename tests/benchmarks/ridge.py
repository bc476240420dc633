"""Ridge regression of the ranks of architectures, on one-hot blocks and pairs of blocks."""

import itertools
from collections.abc import Sequence

import numpy as np

from autosnn_nni.search_spaces import Architecture
from autosnn_nni.strategies import Choices

#: Weight of the ridge; targets are ranks from -0.5 to 0.5.
RIDGE = 1.0


def predicted_ranks(
    ranked: Sequence[Architecture], others: Sequence[Architecture], choices: Choices
) -> np.ndarray:
    """What ridge regression on the ``ranked`` ones, the best one first, says of ``others``."""
    seen = features(ranked, choices)
    ranks = np.linspace(0.5, -0.5, len(ranked))
    weights = np.linalg.solve(seen @ seen.T + RIDGE * np.eye(len(seen)), ranks)
    predicted: np.ndarray = features(others, choices) @ (seen.T @ weights)
    return predicted


def features(architectures: Sequence[Architecture], choices: Choices) -> np.ndarray:
    """Ones for every block at its place, and for every pair of blocks."""
    codes = np.array(
        [
            [names.index(block) for block, names in zip(blocks, choices, strict=True)]
            for blocks in architectures
        ]
    ).reshape(len(architectures), len(choices))
    alone = [np.eye(len(names))[codes[:, place]] for place, names in enumerate(choices)]
    pairs = [
        (one[:, :, None] * other[:, None, :]).reshape(len(codes), -1)
        for one, other in itertools.combinations(alone, 2)
    ]
    return np.concatenate([*alone, *pairs], axis=1)
