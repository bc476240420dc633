"""Progress on standard error: a bar for each long step, and one display of all steps of a command.

On a terminal, a command that knows its steps shows them all from the start (:func:`steps`), those
to come with their totals. Elsewhere, as in a log file, each bar is printed when it is done.
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress_bar import ProgressBar
from rich.table import Column
from rich.text import Text

from autosnn_nni.numbers import format_forecast
from autosnn_nni.steps import Step, time_left

#: Sets how much is done and the note next to the bar.
Advance = Callable[[float, str], None]

_BAR = 12


class _Shown:
    """What is shown by this process."""

    quiet = False
    display: "_Display | None" = None


def be_silent() -> None:
    """Show no progress in this process."""
    _Shown.quiet = True


@contextmanager
def steps(planned: Sequence[Step]) -> Iterator[None]:
    """Context manager in which the bars of the ``planned`` steps are shown together.

    Steps are found by their titles. Others get bars of their own below them.
    """
    console = _console()
    if not console.is_terminal or _Shown.quiet or len(planned) < 2:
        yield
        return
    _Shown.display = _Display(planned, console)
    try:
        with _Shown.display.progress:
            yield
    finally:
        _Shown.display = None


@contextmanager
def progress_bar(title: str, total: int, unit: str, done: int = 0) -> Iterator[Advance]:
    """Context manager with a bar of ``total`` units, of which ``done`` are already finished."""
    if _Shown.display is not None:
        with _Shown.display.step(Step(title, total, unit, done=done)) as advance:
            yield advance
        return
    with _progress(_console()) as progress:
        task = progress.add_task(title, total=total, completed=done, note="", unit=unit)
        yield lambda completed, note: progress.update(task, completed=completed, note=note)


def bytes_bar(stream: TextIO) -> Progress:
    """A bar that counts bytes, printed to ``stream``; its caller adds a task and the bytes."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=_BAR),
        DownloadColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=Console(file=stream, quiet=_Shown.quiet))


def _console() -> Console:
    return Console(stderr=True, quiet=_Shown.quiet)


def _progress(console: Console) -> Progress:
    columns = (
        TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True)),
        _Bar(bar_width=_BAR),
        MofNCompleteColumn(),
        TextColumn("{task.fields[unit]} {task.fields[note]}", markup=False),
        TimeElapsedColumn(),
        _TimeLeft(),
    )
    # Estimate the speed from all steps: one step can be longer than the default 30 s window.
    return Progress(*columns, console=console, speed_estimate_period=math.inf)


class _Bar(BarColumn):
    """A bar that stands still until its step begins."""

    def render(self, task: Task) -> ProgressBar:
        bar = super().render(task)
        bar.pulse = False
        return bar


class _TimeLeft(TimeRemainingColumn):
    """The time that a step will still take; for all steps, what is known of it."""

    def render(self, task: Task) -> Text:
        if "left" in task.fields:
            return Text(task.fields["left"], style="progress.remaining")
        return super().render(task)


class _Display:
    """How many steps of a command are done and what time is left, and below that all steps."""

    def __init__(self, planned: Sequence[Step], console: Console) -> None:
        self.progress = _progress(console)
        self._all = self.progress.add_task(
            "All", total=len(planned), note="", unit="steps", left=""
        )
        self._steps = {one.title: one for one in planned}
        self._tasks = {one.title: self._add(one) for one in planned}

    def _add(self, step: Step) -> Task:
        made = self.progress.add_task(
            step.title, start=False, total=step.total, note="", unit=step.unit
        )
        return next(task for task in self.progress.tasks if task.id == made)

    @contextmanager
    def step(self, step: Step) -> Iterator[Advance]:
        """Context manager for a step that begins."""
        if step.title not in self._tasks:
            self._tasks[step.title] = self._add(step)
            self._steps[step.title] = step
        task = self._tasks[step.title]
        self.progress.reset(task.id, total=step.total, completed=int(step.done))

        def advance(completed: float, note: str) -> None:
            self.progress.update(task.id, completed=completed, note=note)
            self._sum_up()

        yield advance
        self.progress.stop_task(task.id)
        self._sum_up()

    def _sum_up(self) -> None:
        steps = [self._now(title, task) for title, task in self._tasks.items()]
        finished = sum(one.finished for one in steps)
        left = time_left(steps)
        self.progress.update(self._all, total=len(steps), completed=finished, left=left)

    def _now(self, title: str, task: Task) -> Step:
        speed = task.finished_speed or task.speed
        return replace(self._steps[title], total=task.total, done=task.completed, speed=speed)


class SearchProgress:
    """Progress bar for all generations of a search, and a line that estimates their duration.

    Every architecture is scored on ``images`` images. Nothing is shown outside of a search.
    """

    def __init__(self, images: int) -> None:
        self._images = images
        self._advance: Advance = lambda completed, note: None
        self._total = self._done = 0
        self._announced = True

    @contextmanager
    def searching(self, done: int, total: int) -> Iterator[None]:
        """Context manager for a search with ``done`` of ``total`` architectures evaluated."""
        self._done, self._total, self._announced = done, total, False
        with progress_bar("Search", total, "architectures", done) as self._advance:
            yield

    @contextmanager
    def generation(self, size: int) -> Iterator[Advance]:
        """Context manager for the next ``size`` architectures; yields a function to show progress.

        It takes the fraction scored and a note. A fraction of 0 marks the start of scoring; the
        time before it is not extrapolated.
        """
        start = scoring_start = time.perf_counter()

        def advance(fraction: float, note: str) -> None:
            nonlocal scoring_start
            now = time.perf_counter()
            if not fraction:
                scoring_start = now
            elif not self._announced:
                self._announce((scoring_start - start + (now - scoring_start) / fraction) / size)
            self._advance(self._done + fraction * size, note)

        yield advance
        self._done += size

    def _announce(self, seconds: float) -> None:
        """Print how long the search will take at ``seconds`` per architecture."""
        self._announced = True
        if _Shown.display is not None:
            return  # which shows the time left
        left = self._total - self._done
        more = " more" if self._done else ""
        _console().print(
            f"{left:,}{more} architectures on {self._images:,} images: "
            f"about {format_forecast(left * seconds)}",
            highlight=False,
        )
