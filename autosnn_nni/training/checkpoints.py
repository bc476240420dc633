"""Self-describing checkpoints, written atomically after every epoch."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from autosnn_nni.errors import UserError
from autosnn_nni.formats import check_format
from autosnn_nni.search_spaces import (
    NetworkConfig,
    SpikingNetwork,
    build_network,
    path_weights,
    split_timesteps,
    to_sample,
)
from autosnn_nni.strategies import Measurements

#: Settings in which all checkpoints of one network agree.
_IDENTITY = (
    "kind",
    "blocks",
    "dataset",
    "space",
    "channels",
    "timesteps",
    "neuron",
    "candidates",
    "batch_norm",
    "averages",
)


@dataclass(frozen=True)
class Checkpoint:
    """A loaded checkpoint: ``kind`` is ``"supernet"`` or ``"network"``.

    ``weights`` are the state of the :class:`SpikingNetwork`; ``blocks`` its architecture (empty
    for a supernet); ``average`` the means over the paths that a supernet was trained on: spikes,
    and operations unless an earlier version trained it.
    """

    kind: str
    settings: dict[str, Any]
    blocks: tuple[str, ...]
    epochs: int
    average: Measurements
    weights: dict[str, Tensor]

    @property
    def n_avg(self) -> float:
        """N_avg: the mean spikes per image over a supernet's sampled paths (Eq. 3)."""
        return self.average.spikes


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint of this package.

    Raises :class:`UserError` for any other file, and for one of a later format.
    """
    try:
        raw = torch.load(path, map_location="cpu", weights_only=True)
        about = raw["autosnn"]
        check_format(path, about)
        return Checkpoint(
            kind=about["kind"],
            settings=about["settings"],
            blocks=tuple(about["blocks"]),
            epochs=raw["epoch"] + 1,
            average=Measurements(accuracy=math.nan, spikes=raw["n_avg"], **raw.get("averages", {})),
            weights=_network_weights(raw["state_dict"]),
        )
    except FileNotFoundError:
        raise UserError(f"{path} does not exist; check the path") from None
    except UserError:
        raise
    except Exception as error:  # torch.load's own errors have many types
        if path.suffix != ".ckpt":
            raise UserError(
                f"{path} is not a checkpoint of autosnn; give a run's folder, or a .ckpt file"
            ) from error
        raise UserError(
            f"{path} is not a checkpoint of autosnn or is broken; delete it to train again, "
            "or choose another"
        ) from error


def load_network(
    path: Path, checkpoint: Checkpoint, config: NetworkConfig, blocks: Sequence[str]
) -> SpikingNetwork:
    """Build the network ``blocks`` with the weights of ``checkpoint``, a supernet's or its own.

    Raises :class:`UserError` if ``path``, the checkpoint's file, does not have its weights.
    """
    weights = checkpoint.weights
    if checkpoint.kind == "supernet":
        names, _ = split_timesteps(blocks)
        unknown = [block for block in names if block not in config.candidates]
        if unknown:
            known = ", ".join(config.candidates)
            raise UserError(f"the supernet in {path} has no {unknown[0]}; it has {known}")
        weights = path_weights(weights, to_sample(blocks))
    network = build_network(config, blocks)
    if checkpoint.kind == "supernet":
        weights = _of_its_timesteps(weights, network)
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise UserError(f"the weights in {path} do not fit its settings; train again") from error
    return network


def _of_its_timesteps(weights: Mapping[str, Tensor], network: SpikingNetwork) -> dict[str, Tensor]:
    """The weights without the batch norm statistics of timesteps that ``network`` does not have."""
    own = network.state_dict()
    return {
        name: value for name, value in weights.items() if name in own or ".timesteps." not in name
    }


def about_network(config: NetworkConfig, blocks: Sequence[str]) -> dict[str, Any]:
    """What a checkpoint says of the network ``blocks``, if there are no settings of a run."""
    own = {name: value for name, value in vars(config).items() if name in _IDENTITY}
    settings = {name: list(v) if isinstance(v, tuple) else v for name, v in own.items()}
    return {"kind": "network", "settings": settings, "blocks": list(blocks)}


def check_same_network(
    path: Path, found: Checkpoint, about: Mapping[str, Any], before: Mapping[str, Any] = {}
) -> None:
    """Raise :class:`UserError` if ``found`` is not a checkpoint of the network in ``about``.

    A setting that ``found`` lacks has its value of ``before``. Without one it is not compared:
    the setting is newer than the checkpoint.
    """
    saved = {**before, "kind": found.kind, "blocks": list(found.blocks), **found.settings}
    expected = {"kind": about["kind"], "blocks": list(about["blocks"]), **about["settings"]}
    for key in _IDENTITY:
        there, here = saved.get(key), expected.get(key)
        if there is not None and there != here:
            raise UserError(
                f"{path} is of another network: {key} is {there} there, {here} here; "
                "move it away to train again"
            )


def _network_weights(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Strip the prefixes that Lightning and NNI add to the network's parameter names."""
    weights = {key.partition("_model.")[2]: value for key, value in state.items()}
    return {key.removeprefix("network."): value for key, value in weights.items() if key}
