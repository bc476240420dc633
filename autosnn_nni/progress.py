"""One progress bar per long step, on standard error."""

import math
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

#: Sets how much is done and what is said beside the bar.
Advance = Callable[[float, str], None]


@contextmanager
def progress_bar(title: str, total: int, unit: str, done: int = 0) -> Iterator[Advance]:
    """A bar of ``total`` units while the context is entered; ``done`` of them were before."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=16),
        MofNCompleteColumn(),
        TextColumn(f"{unit} {{task.fields[note]}}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    # Of all that was done: a part may take longer than the half minute that is usual.
    with Progress(*columns, console=console, speed_estimate_period=math.inf) as progress:
        task = progress.add_task(f"{title:<22}", total=total, completed=done, note="")
        yield lambda completed, note: progress.update(task, completed=completed, note=note)


class SearchProgress:
    """One bar for all generations of a search, and beforehand a line that says how long they take.

    Every architecture is scored on so many ``images``. Nothing is shown outside of a search.
    """

    def __init__(self, images: int) -> None:
        self._images = images
        self._advance: Advance = lambda completed, note: None
        self._total = self._done = 0
        self._foretold = True

    @contextmanager
    def searching(self, done: int, total: int) -> Iterator[None]:
        """A search that has evaluated ``done`` of its ``total`` architectures before."""
        self._done, self._total, self._foretold = done, total, False
        with progress_bar("Search", total, "architectures", done) as self._advance:
            yield

    @contextmanager
    def generation(self, size: int) -> Iterator[Advance]:
        """The next ``size`` architectures; sets the share of them that is scored, and a note.

        A share of 0 says that scoring begins: what comes before it isn't done once for each image.
        """
        start = began = time.perf_counter()

        def advance(share: float, note: str) -> None:
            nonlocal began
            now = time.perf_counter()
            if not share:
                began = now
            elif not self._foretold:
                self._foretell((began - start + (now - began) / share) / size)
            self._advance(self._done + share * size, note)

        yield advance
        self._done += size

    def _foretell(self, seconds: float) -> None:
        """Say how long the search will take at so many ``seconds`` an architecture."""
        self._foretold = True
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
