"""The architecture given to a command: by blocks, from a search, or by name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autosnn_nni.data import DataInfo
from autosnn_nni.errors import UserError
from autosnn_nni.formats import read_stamped
from autosnn_nni.runs.contents import Origin
from autosnn_nni.runs.directory import load_run
from autosnn_nni.runs.picking import describe_candidate, pick
from autosnn_nni.runs.search_state import searched
from autosnn_nni.search_spaces import (
    NETWORKS,
    Architecture,
    NetworkConfig,
    from_text,
    split_timesteps,
    to_text,
)
from autosnn_nni.strategies import costs_among


@dataclass(frozen=True)
class Chosen:
    """Blocks and the settings that come with them: the space at least, except for bare blocks.

    Timesteps named after the blocks are such a setting too. ``why`` tells the user how the
    architecture was chosen; ``origin`` is kept in the folder of its training.
    """

    blocks: Architecture
    own: Mapping[str, Any] = field(default_factory=dict)
    why: str = ""
    origin: Origin | None = None

    def settings(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Its settings, overridden by the ``given`` ones; raises for another space or T."""
        space = self.own.get("space")
        if space and given.get("space", space) != space:
            raise UserError(f"this architecture belongs to {space}; leave out --space")
        _, named = split_timesteps(self.blocks)
        if named is None:
            return {**self.own, **given}
        if given.get("timesteps", named) != named:
            raise UserError(f"this architecture names T{named}; leave out --timesteps")
        return {**self.own, **given, "timesteps": named}

    def network(self, info: DataInfo, given: Mapping[str, Any]) -> NetworkConfig:
        """Its network for the images of ``info``; what is ``None`` among ``given`` is left out.

        Raises :class:`UserError` if the blocks are not in its space.
        """
        own = self.settings({key: value for key, value in given.items() if value is not None})
        defaults = {"space": "SNN_1", "timesteps": info.timesteps}
        config = NetworkConfig(shape=info.shape, classes=info.classes, **{**defaults, **own})
        config.check(self.blocks)
        return config


def choose(
    blocks: str | None,
    best: Path | None,
    network: str | None,
    rule: str | None = None,
    run: Path | None = None,
    ways: str = "--blocks, --architecture or --network, or --pick from a run",
) -> Chosen:
    """The architecture of ``--blocks``, ``--architecture``, ``--network`` or ``--pick``.

    Exactly one of them must be given. ``--pick`` picks from the search of ``run``; its settings are
    used with ``--pick`` and with ``--blocks``. ``ways`` are those that the command has.
    """
    if [blocks, best, network, rule].count(None) != 3:
        raise UserError(f"name one architecture: {ways}")
    if run is not None and best is None and network is None:
        return _of_run(run, blocks, rule)
    if run is not None:
        raise UserError("--from goes with --pick or --blocks")
    if blocks is not None:
        return Chosen(from_text(blocks))
    if best is not None:
        return _read(best)
    named = NETWORKS[str(network)]
    return Chosen(named.blocks, {"space": named.space})


def _of_run(path: Path, blocks: str | None, rule: str | None) -> Chosen:
    settings = load_run(path).settings
    own = settings.of_training()
    source = str(path.resolve())
    if rule is None:
        return Chosen(from_text(str(blocks)), own, origin=Origin(source))
    costs = costs_among(settings.objectives)
    picked = pick(rule, searched(path), settings.constraints, costs[0])
    why = f"{path}, {rule}: {describe_candidate(picked, costs)}"
    return Chosen(picked.blocks, own, why, Origin(source, rule))


def _read(path: Path) -> Chosen:
    best = read_stamped(path)
    try:
        own = {key: best[key] for key in ("space", "channels", "timesteps")}
        blocks = tuple(best["blocks"])
        _ = to_text(blocks)  # which needs names
        return Chosen(blocks, own, origin=Origin(str(path.resolve())))
    except (KeyError, TypeError):
        raise UserError(f"{path} is not a search's best.json; it has no blocks") from None
