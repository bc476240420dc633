"""The architecture that a command is about: by its blocks, of a search, or by its name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autosnn_nni.errors import UserError
from autosnn_nni.files import read_json
from autosnn_nni.runs.directory import load_run
from autosnn_nni.runs.picking import described, pick
from autosnn_nni.runs.search_state import searched
from autosnn_nni.search_spaces import NETWORKS, Architecture, from_text, split_timesteps


@dataclass(frozen=True)
class Chosen:
    """Blocks, and the settings that come with them: at least the space, unless blocks alone.

    Timesteps that are named after the blocks are such a setting too. ``why`` tells people how they
    were chosen.
    """

    blocks: Architecture
    own: Mapping[str, Any] = field(default_factory=dict)
    why: str = ""

    def settings(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Its own settings and the ``given`` ones, which win; raises for another space or T."""
        space = self.own.get("space")
        if space and given.get("space", space) != space:
            raise UserError(f"this architecture is of {space}; leave out --space")
        _, named = split_timesteps(self.blocks)
        if named is None:
            return {**self.own, **given}
        if given.get("timesteps", named) != named:
            raise UserError(f"this architecture names T{named}; leave out --timesteps")
        return {**self.own, **given, "timesteps": named}


def choose(
    blocks: str | None,
    best: Path | None,
    network: str | None,
    rule: str | None = None,
    run: Path | None = None,
) -> Chosen:
    """What ``--blocks``, ``--architecture``, ``--network`` or ``--pick`` names: one must be given.

    Of a ``run`` come the search that ``--pick`` is about and, for blocks too, the settings.
    """
    if [blocks, best, network, rule].count(None) != 3:
        raise UserError(
            "name one architecture: --blocks, --architecture or --network, or --pick one of a run"
        )
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
    if rule is None:
        return Chosen(from_text(str(blocks)), own)
    picked = pick(rule, searched(path), settings.constraints)
    return Chosen(picked.blocks, own, f"{path}, {rule}: {described(picked)}")


def _read(path: Path) -> Chosen:
    best = read_json(path)
    try:
        own = {key: best[key] for key in ("space", "channels", "timesteps")}
        return Chosen(tuple(best["blocks"]), own)
    except (KeyError, TypeError):
        raise UserError(f"{path} is not a search's best.json; it has no blocks") from None
