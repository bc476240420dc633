"""One progress bar per long step, on standard error."""

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
def progress_bar(title: str, total: int, unit: str) -> Iterator[Advance]:
    """A bar of ``total`` units while the context is entered."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=16),
        MofNCompleteColumn(),
        TextColumn(f"{unit} {{task.fields[note]}}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(f"{title:<22}", total=total, note="")
        yield lambda completed, note: progress.update(task, completed=completed, note=note)
