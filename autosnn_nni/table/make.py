"""Making a table: train what is missing in a folder.

The rows of a training are added when it is done: a killed run loses only the trainings at work.
"""

import multiprocessing
import os
import sys
import threading
from collections.abc import Container, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pandas as pd
import torch

from autosnn_nni.data import Splits
from autosnn_nni.errors import UserError
from autosnn_nni.freed_memory import keep_freed_memory
from autosnn_nni.progress import progress_bar
from autosnn_nni.runs.directory import RunDirectory, alone_in
from autosnn_nni.runs.inputs import load_data
from autosnn_nni.runs.machine import Machine
from autosnn_nni.runs.surroundings import surroundings
from autosnn_nni.table.folder import Folder
from autosnn_nni.table.measure import measure
from autosnn_nni.table.plan import Plan, Task
from autosnn_nni.table.rows import Row, read, tasks_of
from autosnn_nni.table.table import Table


def make(
    name: str,
    plan: Plan,
    path: Path,
    *,
    shard: tuple[int, int] = (1, 1),
    processes: int = 1,
    data_dir: Path | None = None,
) -> None:
    """Train what is missing in the folder ``path``, each network on a thread of its own process.

    ``shard`` ``(2, 4)`` is the second fourth of all networks. Of the whole plan, the front follows
    with further seeds, until all networks on it have them. Other timesteps come last: nothing
    depends on them. Raises :class:`UserError` for a folder of another table, data that are not
    there, and a process that was killed.
    """
    if processes < 1:
        raise UserError(f"--processes must be at least 1, not {processes}")
    folder, (number, of) = Folder(path), shard
    with alone_in(path):
        folder.open(name, plan)
        load_data(RunDirectory(path, plan.settings), Machine(data_dir))  # errors before all work
        folder.continue_rows(plan)
        with _workers(processes, plan, data_dir) as workers:
            tasks = plan.tasks[number - 1 :: of]
            _train(folder, plan, [one for one in tasks if one.timesteps == plan.timesteps], workers)
            if of == 1:
                _train_front(folder, plan, workers)
            _train(folder, plan, [one for one in tasks if one.timesteps != plan.timesteps], workers)


def _train_front(folder: Folder, plan: Plan, workers: Executor) -> None:
    """Further seeds, round by round: they may show that others than the first are on the front.

    Every round looks only at what those before have trained: a resumed run does the same.
    """
    known = set(plan.tasks)
    while True:
        rows = read(folder.rows, plan.epochs[-1])
        front = Table.of(plan, _only(rows, known)).front()
        further = [task for task in plan.of_front(front) if task not in known]
        if not further:
            return
        _train(folder, plan, further, workers)
        known.update(further)


def _only(rows: pd.DataFrame, tasks: Container[Task]) -> pd.DataFrame:
    """Those of the ``rows`` that belong to the ``tasks``."""
    return rows[[one in tasks for one in tasks_of(rows)]]


def _train(folder: Folder, plan: Plan, tasks: Sequence[Task], workers: Executor) -> None:
    if not tasks:
        return
    machine, done = surroundings(), set(tasks_of(read(folder.rows, plan.epochs[-1])))
    missing = [task for task in tasks if task not in done]
    with progress_bar("Table", len(tasks), "networks", len(tasks) - len(missing)) as advance:
        waiting = [workers.submit(_measured, task) for task in missing]
        left = len(missing)
        try:
            for future in as_completed(waiting):
                folder.add(_result(future), machine)
                left -= 1
                advance(len(tasks) - left, "")
        finally:
            for one in waiting:
                one.cancel()


def _result(future: "Future[list[Row]]") -> list[Row]:
    try:
        return future.result()
    except BrokenProcessPool as error:
        raise UserError(
            "a process that trained networks was killed, perhaps for want of memory; run it again, "
            "with fewer --processes"
        ) from error


def _workers(processes: int, plan: Plan, data_dir: Path | None) -> ProcessPoolExecutor:
    # A server that has imported everything starts workers at once, and has no threads to fork.
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload([__name__])
    return ProcessPoolExecutor(processes, server, _prepare, (plan, data_dir))


#: What a worker needs to train.
_prepared: list[tuple[Plan, Splits]] = []


def _prepare(plan: Plan, data_dir: Path | None) -> None:
    """Start a worker: one thread, and no progress bars of single trainings."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(1)
    keep_freed_memory()
    sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115
    _prepared.append((plan, load_data(RunDirectory(Path(), plan.settings), Machine(data_dir))))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _measured(task: Task) -> list[Row]:
    plan, data = _prepared[0]
    return measure(task, plan, data)
