"""Reads a run's folder into :class:`RunContents`; nothing is computed here."""

import csv
import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from autosnn_nni.errors import UserError
from autosnn_nni.files import write_whole
from autosnn_nni.formats import read_stamped, without_stamp, write_stamped
from autosnn_nni.plugins import load_plugins
from autosnn_nni.runs.finalists import Finalist
from autosnn_nni.runs.kept_plugins import find_plugins
from autosnn_nni.runs.run_files import NetworkFiles, RunFiles, not_a_run
from autosnn_nni.runs.search_times import Times, read_times
from autosnn_nni.runs.settings import Settings
from autosnn_nni.scoring.ranking import Judged
from autosnn_nni.scoring.spread import Spreads, spreads_of
from autosnn_nni.search_spaces import TIMESTEPS, split_timesteps, timesteps_name, to_sample
from autosnn_nni.search_spaces.architecture import labels
from autosnn_nni.strategies import (
    SEARCHES,
    Constraints,
    Measurements,
    Objective,
    find_objective,
)

_Read = TypeVar("_Read")


@dataclass(frozen=True)
class Epoch:
    """One row of a training curve; ``epoch`` counts from 0."""

    epoch: int
    loss: float
    accuracy: float
    spikes: float
    seconds: float


@dataclass(frozen=True, eq=False)
class Candidate(Measurements):
    """One evaluated architecture; ``order`` and ``generation`` count from 1.

    The accuracy is NaN in a search without training.
    """

    blocks: tuple[str, ...]
    fitness: float
    generation: int
    order: int


@dataclass(frozen=True, eq=False)
class Best(Measurements):
    """The search's winner, or what is closest to it, measured on the validation split."""

    blocks: tuple[str, ...]
    fitness: float


@dataclass(frozen=True)
class Origin:
    """Where blocks and settings of `autosnn train` come from: the ``source`` is a run or a file.

    ``pick`` is the rule that picked the blocks from the search of a run, if one did.
    """

    source: str
    pick: str | None = None


@dataclass(frozen=True)
class Layer:
    """A layer that outputs spikes; the firing rate is in spikes per neuron per timestep."""

    name: str
    kind: str
    neurons: int
    spikes: float
    firing_rate: float | None


@dataclass(frozen=True)
class Operations:
    """Operations per image of a layer with weights: synaptic ones, and multiply-accumulates.

    ``dense`` are those that it would have if no input were 0.
    """

    name: str
    synops: float
    macs: float
    dense: float
    parameters: int


@dataclass(frozen=True)
class Stage:
    """One part of the macro architecture; the shape is unknown before the network is built."""

    name: str
    kind: str
    block: str
    out_channels: int | None = None
    size: int | None = None


@dataclass(frozen=True)
class Result:
    """Results of a trained network on the test split: those of its first seed.

    ``spreads`` are its results over all seeds, by name. ``operations`` are those of its layers, and
    ``energy`` is in joules per image, by the name of a model; earlier versions had neither.
    ``confusion`` has, for data with named ``classes``, how many images of a row's class were taken
    for a column's.
    """

    title: str
    blocks: tuple[str, ...]
    accuracy: float
    spikes: float
    firing_rate: float
    parameters: int
    neurons: int
    layers: tuple[Layer, ...]
    stages: tuple[Stage, ...]
    spreads: Spreads
    operations: tuple[Operations, ...] = ()
    energy: Mapping[str, float] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    confusion: tuple[tuple[int, ...], ...] = ()

    @property
    def seeds(self) -> int:
        """The number of seeds that it was trained with."""
        return self.spreads["accuracy"].count


@dataclass(frozen=True)
class Baseline:
    """A network trained like the winner, for comparison."""

    name: str
    result: Result | None
    training: tuple[Epoch, ...]


@dataclass(frozen=True)
class RunContents:
    """All results of a run; missing ones are ``None`` or empty.

    ``classes`` is the number of classes of the data that were searched on. ``closest`` is there in
    place of ``best`` if no architecture satisfies the constraints.
    """

    path: Path
    settings: dict[str, Any]
    origin: Origin | None
    supernet: tuple[Epoch, ...]
    candidates: tuple[Candidate, ...]
    best: Best | None
    judged: tuple[Judged, ...]
    training: tuple[Epoch, ...]
    result: Result | None
    finalists: tuple[Finalist, ...]
    baselines: tuple[Baseline, ...]
    search_times: Times = field(default_factory=dict)
    classes: int | None = None
    closest: Best | None = None


def read_contents(path: Path) -> RunContents:
    """Read the run's folder ``path``; raises :class:`UserError` if it is no run or broken."""
    files = RunFiles(path)
    _check_is_run(files)
    settings = _optional(files.settings_file, partial(_read_settings, files)) or {}
    chosen_timesteps = isinstance(settings.get("timesteps"), list)
    read_best = partial(_read_best, chosen_timesteps=chosen_timesteps)
    read_result = partial(_read_result, chosen_timesteps=chosen_timesteps)
    return RunContents(
        path=path,
        settings=settings,
        origin=_optional(files.origin, _read_origin),
        supernet=read_curve(files.supernet_curve),
        candidates=_optional(files.candidates, partial(_read_candidates, settings)) or (),
        best=_optional(files.best, read_best),
        judged=_optional(files.trust_table, _read_judged) or (),
        training=read_curve(files.retrained_curve),
        result=_optional(files.result, read_result),
        finalists=_optional(files.finalists_table, _read_finalists) or (),
        baselines=_read_baselines(files.baselines(), read_result),
        search_times=read_times(files),
        closest=_optional(files.closest, read_best),
        classes=_optional(files.search_state, _read_classes),
    )


def read_curve(path: Path) -> tuple[Epoch, ...]:
    """The epochs of a training curve, none if it is not there; raises if it is broken."""
    return _optional(path, _read_epochs) or ()


def read_rows(path: Path) -> list[dict[str, str]]:
    """The rows of a table, none if it is not there; raises if it is broken."""
    return _optional(path, _read_rows) or []


def _check_is_run(files: RunFiles) -> None:
    inputs = (
        files.settings_file,
        files.supernet_curve,
        files.candidates,
        files.best,
        files.closest,
        files.trust_table,
        files.retrained_curve,
        files.result,
    )
    if not any(one.exists() for one in inputs):
        raise not_a_run(files)


def _optional(path: Path, read: Callable[[Path], _Read]) -> _Read | None:
    if not path.exists():
        return None
    with _errors_of(path):
        return read(path)


@contextmanager
def _errors_of(path: Path) -> Iterator[None]:
    """Turn errors caused by a broken file into one line that names the file."""
    try:
        yield
    except UserError:
        raise
    except KeyError as error:
        raise UserError(f"{path} does not contain {error}; restore it or start a new run") from None
    except (AttributeError, TypeError, ValueError, OSError, csv.Error) as error:
        raise UserError(f"{path} is broken ({error}); restore it or start a new run") from None


def _read_settings(files: RunFiles, path: Path) -> dict[str, Any]:
    """The settings, whatever their names; those that the file lacks are added."""
    settings = read_stamped(path)
    if not isinstance(settings, dict):
        raise TypeError("expected an object")
    own = without_stamp(settings)
    whole = Settings.completed(own) if own else {}
    try:
        _check_objectives(whole)
        _ = SEARCHES[whole.get("strategy", "evolution")]
    except UserError:
        find_plugins(files, whole)  # which may register what is unknown so far
        load_plugins(map(Path, whole.get("plugins", ())))
        try:
            _check_objectives(whole)
        except UserError as error:
            raise UserError(f"{path}: {error}") from error
    return whole


def _check_objectives(settings: Mapping[str, Any]) -> None:
    _ = constraints_of(settings), objectives_of(settings)
    find_objective(settings.get("fitness", "spikes"))


def constraints_of(settings: Mapping[str, Any]) -> Constraints:
    """The constraints on the winner; raises for bounds that are none."""
    names = (one.name for one in fields(Constraints))
    return Constraints(**{name: settings[name] for name in names if name in settings})


def objectives_of(settings: Mapping[str, Any]) -> tuple[Objective, ...]:
    """The objectives of the front; raises for names of none."""
    names = settings.get("objectives") or ("accuracy", settings.get("fitness", "spikes"))
    return tuple(map(find_objective, names))


def write_origin(files: RunFiles, origin: Origin | None) -> None:
    """Write where the run's network comes from; ``None`` if the user has named all of it.

    What is written of a network in training stays when it is resumed without its origin.
    """
    if origin is not None:
        write_stamped(files.origin, asdict(origin))
    elif not files.retrained.exists():
        files.origin.unlink(missing_ok=True)


def _read_origin(path: Path) -> Origin:
    data = read_stamped(path)
    pick = data["pick"]
    return Origin(str(data["source"]), None if pick is None else str(pick))


def _read_rows(path: Path) -> list[dict[str, str]]:
    """The rows of a table, which a spreadsheet may have saved again, with a byte order mark."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    for number, row in enumerate(rows, start=2):
        if None in row or None in row.values():
            raise ValueError(f"line {number} has not as many cells as the first one")
    return rows


def _read_epochs(path: Path) -> tuple[Epoch, ...]:
    return tuple(_epoch(row) for row in _read_rows(path))


def _epoch(row: dict[str, str]) -> Epoch:
    # A loss that diverged is shown as a gap.
    measured = {field.name: _number(row[field.name]) for field in fields(Epoch)[1:]}
    return Epoch(int(row["epoch"]), **measured)


def _number(cell: str) -> float:
    """Convert a cell; pandas writes NaN as an empty one."""
    return float(cell) if cell != "" else math.nan


def _read_candidates(settings: Mapping[str, Any], path: Path) -> tuple[Candidate, ...]:
    rows = enumerate(_read_rows(path), start=1)
    return tuple(_candidate(row, order, settings.get("timesteps")) for order, row in rows)


def _candidate(row: dict[str, str], order: int, timesteps: Any) -> Candidate:
    """``timesteps`` are those of all candidates, unless they were searched."""
    blocks = _row_blocks(row)
    own = split_timesteps(blocks)[1] or timesteps
    names = [one.name for one in fields(Measurements) if one.name in row and one.name != TIMESTEPS]
    measured = {**{name: _number(row[name]) for name in names}, TIMESTEPS: own}
    return Candidate(
        blocks,
        fitness=float(row["fitness"]),
        generation=int(row["generation"]),
        order=order,
        **Measurements.among(measured).measured,
    )


def _read_classes(path: Path) -> int | None:
    """The number of classes, which the states of earlier versions lack."""
    found = read_stamped(path).get("classes")
    return None if found is None else int(found)


def _row_blocks(row: Mapping[str, str]) -> tuple[str, ...]:
    chosen = [name for name in row if name and (name.startswith("tbd") or name == TIMESTEPS)]
    names = labels(max(1, len(set(chosen) - {TIMESTEPS})))
    blocks = tuple(row[name] for name in (*names, *{TIMESTEPS} & set(chosen)))
    if not all(blocks):
        raise ValueError(f"an architecture without a block: {row}")
    return blocks


def _read_judged(path: Path) -> tuple[Judged, ...]:
    numbers = [field.name for field in fields(Judged)[1:5]]
    return tuple(
        Judged(
            _row_blocks(row),
            **{name: _number(row[name]) for name in numbers},
            of_seeds=_read_seeds(row),
        )
        for row in _read_rows(path)
    )


def _read_seeds(row: Mapping[str, str]) -> tuple[tuple[float, float], ...]:
    """Accuracy and spikes of every training; versions before had one, and no such columns."""
    numbers = itertools.takewhile(lambda number: f"accuracy_{number}" in row, itertools.count(1))
    return tuple(
        (_number(row[f"accuracy_{number}"]), _number(row[f"spikes_{number}"])) for number in numbers
    )


def write_judged(files: RunFiles, judged: Sequence[Judged]) -> None:
    """Write the table of a sample scored by the supernet and by training from scratch.

    ``accuracy_1`` and ``spikes_1`` are those of the first seed.
    """
    rows = []
    for one in judged:
        row = asdict(one)
        blocks, seeds = row.pop("blocks"), row.pop("of_seeds")
        for number, (accuracy, spikes) in enumerate(seeds, start=1):
            row |= {f"accuracy_{number}": accuracy, f"spikes_{number}": spikes}
        rows.append({**to_sample(blocks), **row})
    write_whole(files.trust_table, pd.DataFrame(rows).to_csv(index=False))


def _read_finalists(path: Path) -> tuple[Finalist, ...]:
    return tuple(_finalist(row) for row in _read_rows(path))


def _finalist(row: Mapping[str, str]) -> Finalist:
    names = (field.name for field in fields(Finalist)[2:])
    measured = {name: _number(row[name]) for name in names if name != "violation" or name in row}
    return Finalist(_row_blocks(row), int(row["rank"]), **measured)


def _read_best(path: Path, *, chosen_timesteps: bool) -> Best:
    data = read_stamped(path)
    return Best(
        blocks=_architecture(data, chosen_timesteps),
        fitness=float(data["fitness"]),
        **Measurements.among(data).measured,
    )


def _read_result(path: Path, *, chosen_timesteps: bool) -> Result:
    data = read_stamped(path)
    blocks = _blocks(data.get("blocks") or [])
    named = ", ".join(_architecture(data, chosen_timesteps)) if blocks else ""
    return Result(
        title=named or str(data.get("network") or data.get("space") or "network"),
        blocks=blocks,
        accuracy=float(data["accuracy"]),
        spikes=float(data["spikes"]),
        firing_rate=float(data["firing_rate"]),
        parameters=int(data["parameters"]),
        neurons=int(data["neurons"]),
        layers=tuple(_layer(layer) for layer in data["layers"]),
        stages=tuple(_stage(stage) for stage in data.get("stages") or []),
        spreads=spreads_of(data),
        operations=tuple(_operations(layer) for layer in data.get("operations") or []),
        classes=tuple(map(str, data.get("classes") or [])),
        confusion=tuple(tuple(map(int, row)) for row in data.get("confusion") or []),
        energy={str(name): float(one) for name, one in (data.get("energy") or {}).items()},
    )


def _architecture(data: dict[str, Any], chosen_timesteps: bool) -> tuple[str, ...]:
    """The blocks, followed by the timesteps if those were searched too."""
    blocks = _blocks(data["blocks"])
    return (*blocks, timesteps_name(data[TIMESTEPS])) if chosen_timesteps else blocks


def _blocks(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError("blocks must be a list of names")
    return tuple(str(name) for name in value)


def _layer(data: dict[str, Any]) -> Layer:
    rate = data.get("firing_rate")
    return Layer(
        name=str(data["name"]),
        kind=str(data["kind"]),
        neurons=int(data["neurons"]),
        spikes=float(data["spikes"]),
        firing_rate=None if rate is None else float(rate),
    )


def _operations(data: dict[str, Any]) -> Operations:
    return Operations(
        name=str(data["name"]),
        synops=float(data["synops"]),
        macs=float(data["macs"]),
        dense=float(data["dense"]),
        parameters=int(data["parameters"]),
    )


def _stage(data: dict[str, Any]) -> Stage:
    return Stage(
        name=str(data["name"]),
        kind=str(data["kind"]),
        block=str(data["block"]),
        out_channels=int(data["out_channels"]),
        size=int(data["size"]),
    )


def _read_baselines(
    networks: Iterable[NetworkFiles], read_result: Callable[[Path], Result]
) -> tuple[Baseline, ...]:
    baselines = (
        Baseline(
            name=files.path.name,
            result=_optional(files.result, read_result),
            training=read_curve(files.retrained_curve),
        )
        for files in networks
    )
    return tuple(one for one in baselines if one.result or one.training)
