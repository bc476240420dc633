"""The steps of a run, as far as its files tell. This module does not need torch."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from autosnn_nni.runs.contents import read_curve, read_rows
from autosnn_nni.runs.run_files import BASELINES, NetworkFiles, RunFiles
from autosnn_nni.runs.search_times import read_times, seconds_of
from autosnn_nni.steps import Step
from autosnn_nni.strategies import Rounds, Search, make_search
from autosnn_nni.strategies.choices import Choices

#: Titles of steps.
SUPERNET, SEARCH, TRAINING, WINNER = "Supernet", "Search", "Training", "Training the winner"


def steps_of(
    files: RunFiles, settings: Mapping[str, Any], *, single: bool | None = None
) -> list[Step]:
    """All long steps of a run, in order, with what is done of them.

    ``settings`` are those of its file. The total of an exhaustive search is not known before it
    has begun, nor whether the knee is a finalist of its own. Whether the run has a ``single``
    network and no search is found out from its files if it is not said.
    """
    if _is_single(files) if single is None else single:
        return list(_trainings({TRAINING: files}, settings))
    networks = {baseline_title(block): files.baseline(block) for block in BASELINES}
    wanted = {**(networks if settings["baselines"] else {}), WINNER: files}
    finalists, trainings = list(_finalists(files, settings)), _trainings(wanted, settings)
    if finalists:  # the best of them is the winner of the first seed
        winner = of_seed(WINNER, settings["seed"], settings)
        trainings = (one for one in trainings if one.title != winner)
    return [*_search(files, settings), *finalists, *trainings]


def finalist_title(number: int) -> str:
    """The title of a finalist's training; numbers count from 1."""
    return f"{TRAINING} finalist {number}"


def baseline_title(block: str) -> str:
    """The title of a baseline's training."""
    return f"{TRAINING} {block}"


def of_seed(title: str, seed: int, settings: Mapping[str, Any]) -> str:
    """The title of a training with one of the run's seeds."""
    return f"{title}, seed {seed}" if settings["seeds"] > 1 else title


def _is_single(files: RunFiles) -> bool:
    """Whether the run is one of ``autosnn train``, which has no search."""
    trained = files.origin.exists() or files.retrained.exists() or files.result.exists()
    return trained and not files.has_search()


def _search(files: RunFiles, settings: Mapping[str, Any]) -> Iterator[Step]:
    if _search_of(settings).needs_supernet:
        epochs = settings["supernet_epochs"]
        yield _training(SUPERNET, files.supernet_curve, epochs, kind=SUPERNET)
    evaluated, slots = _candidates(files)
    total = evaluated if files.searched() else _budget(settings, slots)
    seconds = seconds_of(read_times(files))
    speed = evaluated / seconds if seconds > 0 else None
    yield Step(SEARCH, total, "architectures", SEARCH, evaluated, speed)


def _finalists(files: RunFiles, settings: Mapping[str, Any]) -> Iterator[Step]:
    """The trainings of finalists, one after another; one more until they are compared."""
    count, epochs = settings["retrain_top"], settings["retrain_epochs"]
    if count == 1:
        return
    steps = [_of_network("", one, epochs) for one in files.finalists()]
    steps.sort(key=lambda one: one.done, reverse=True)
    if not files.finalists_table.exists():
        planned = max(count, 1 + sum(one.finished for one in steps))
        waiting = Step("", epochs, "epochs", TRAINING)
        steps += [waiting] * (planned - len(steps))
    for number, step in enumerate(steps, start=1):
        yield replace(step, title=finalist_title(number))


def _trainings(networks: Mapping[str, NetworkFiles], settings: Mapping[str, Any]) -> Iterator[Step]:
    seeds = range(settings["seed"], settings["seed"] + settings["seeds"])
    for seed, (title, network) in itertools.product(seeds, networks.items()):
        files = network.by_seed(seeds)[seed]
        yield _of_network(of_seed(title, seed, settings), files, settings["retrain_epochs"])


def _of_network(title: str, files: NetworkFiles, epochs: int) -> Step:
    return _training(title, files.retrained_curve, epochs, kind=TRAINING)


def _training(title: str, curve: Path, epochs: int, kind: str) -> Step:
    done = read_curve(curve)
    seconds = sum(epoch.seconds for epoch in done)
    return Step(title, epochs, "epochs", kind, len(done), len(done) / seconds if seconds else None)


def _candidates(files: RunFiles) -> tuple[int, int | None]:
    """How many architectures were evaluated, and of how many choices one consists."""
    rows = read_rows(files.candidates)
    return len(rows), (sum(name.startswith("tbd") for name in rows[0]) if rows else None)


def _budget(settings: Mapping[str, Any], slots: int | None) -> int | None:
    search = _search_of(settings)
    if slots is None:
        return search.rounds * search.population if isinstance(search, Rounds) else None
    choices = [tuple(settings["candidates"])] * slots
    if isinstance(settings["timesteps"], list):
        choices.append(tuple(map(str, settings["timesteps"])))
    return search.budget(Choices(choices))


def _search_of(settings: Mapping[str, Any]) -> Search:
    named = {} if settings["rounds"] is None else {"rounds": settings["rounds"]}
    return make_search(settings["strategy"], {"seed": settings["seed"], **named})
