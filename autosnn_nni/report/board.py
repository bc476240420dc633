"""A search in TensorBoard, generation by generation."""

from pathlib import Path

from torch.utils.tensorboard import SummaryWriter

from autosnn_nni.report import png_figures, search
from autosnn_nni.runs.contents import RunContents


def log_search(run: RunContents, folder: Path) -> None:
    """Add the latest generation: the best fitness, the size of the front, and the front's picture.

    Files are written to ``folder``.
    """
    generation = run.candidates[-1].generation
    (fittest,) = search.top_candidates(run.candidates, 1)
    with SummaryWriter(str(folder)) as board:
        board.add_scalar("best fitness", fittest.fitness, generation)
        if search.with_accuracy(run.candidates):
            board.add_scalar("architectures on the front", len(search.front(run)), generation)
            for name, cost in search.search_figures(run).items():
                board.add_figure(name, png_figures.search_figure(run, cost), generation)
