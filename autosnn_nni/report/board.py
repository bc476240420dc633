"""A search in TensorBoard, generation by generation."""

from pathlib import Path

from torch.utils.tensorboard import SummaryWriter

from autosnn_nni.report import analysis, png_figures
from autosnn_nni.runs.contents import RunContents


def log_search(run: RunContents, folder: Path) -> None:
    """Add the latest generation: the best fitness, the size of the front, and the front's picture.

    Files are written to ``folder``.
    """
    generation = run.candidates[-1].generation
    (fittest,) = analysis.top_candidates(run.candidates, 1)
    with SummaryWriter(str(folder)) as board:
        board.add_scalar("best fitness", fittest.fitness, generation)
        if analysis.with_accuracy(run.candidates):
            board.add_scalar("architectures on the front", len(analysis.front(run)), generation)
            for name, cost in analysis.search_figures(run).items():
                board.add_figure(name, png_figures.search_figure(run, cost), generation)
