"""One progress bar per long step or download, on standard error."""

import math
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

#: Sets how much is done and the note next to the bar.
Advance = Callable[[float, str], None]


@contextmanager
def progress_bar(title: str, total: int, unit: str, done: int = 0) -> Iterator[Advance]:
    """Context manager with a bar of ``total`` units, of which ``done`` are already finished."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=16),
        MofNCompleteColumn(),
        TextColumn(f"{unit} {{task.fields[note]}}", markup=False),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    # Estimate the speed from all steps: one step can be longer than the default 30 s window.
    with Progress(*columns, console=console, speed_estimate_period=math.inf) as progress:
        task = progress.add_task(f"{title:<22}", total=total, completed=done, note="")
        yield lambda completed, note: progress.update(task, completed=completed, note=note)


def bytes_bar(stream: TextIO) -> Progress:
    """A bar that counts bytes, printed to ``stream``; its caller adds a task and the bytes."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=16),
        DownloadColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=Console(file=stream))


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
        left = self._total - self._done
        more = " more" if self._done else ""
        sys.stderr.write(
            f"{left:,}{more} architectures on {self._images:,} images: "
            f"about {_duration(left * seconds)}\n"
        )


def _duration(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
