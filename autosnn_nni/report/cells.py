"""The sliders of a front, and the cells of the table of what blocks are worth, as text."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from autosnn_nni.report.search import OnFront, costs
from autosnn_nni.report.worth import Worth, worths
from autosnn_nni.runs.contents import RunContents, objectives_of
from autosnn_nni.strategies import Objective

_MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True)
class Slider:
    """A limit on an objective: each step of the slider is a value on the front, as in ``texts``."""

    title: str
    at_least: bool
    values: tuple[float, ...]
    texts: tuple[str, ...]


def sliders(run: RunContents, front: Sequence[OnFront]) -> list[Slider]:
    """A slider for each objective of the run."""
    return [_slider(one, front) for one in objectives_of(run.settings)]


def _slider(objective: Objective, front: Sequence[OnFront]) -> Slider:
    values = sorted({objective.value(one.candidate) for one in front})
    title = objective.label[0].upper() + objective.label[1:]
    texts = tuple(map(objective.text, values))
    return Slider(title, objective.maximised, tuple(values), texts)


@dataclass(frozen=True)
class WorthCell:
    """What a block is worth at a place; ``strength`` is from 0 to 1, for the colour."""

    first: str
    second: str
    count: int
    strength: float
    better: bool


def worth_table(run: RunContents) -> dict[str, list[WorthCell | None]]:
    """What blocks are worth: rows by block, cells by place; ``None`` for what was not evaluated."""
    found = worths(run)
    places = list(dict.fromkeys(one.place for one in found))
    most = max((abs(_main(one)) for one in found if math.isfinite(_main(one))), default=0.0) or 1.0
    rows: dict[str, list[WorthCell | None]] = {
        block: [None] * len(places) for block in sorted({one.block for one in found})
    }
    for one in found:
        rows[one.block][places.index(one.place)] = _cell(one, most, costs(run)[0])
    return rows


def _main(one: Worth) -> float:
    return one.fitness if math.isnan(one.accuracy) else one.accuracy


def _cell(one: Worth, most: float, cost: Objective) -> WorthCell:
    trained = not math.isnan(one.accuracy)
    points, fitness = f"{100 * abs(one.accuracy):.1f}", f"{abs(one.fitness):.4g}"
    return WorthCell(
        first=_signed(one.accuracy, points) if trained else _signed(one.fitness, fitness),
        second=_signed(one.cost, cost.text(abs(one.cost))) if trained else "",
        count=one.count,
        strength=abs(_main(one)) / most if math.isfinite(_main(one)) else 0.0,
        better=_main(one) > 0,
    )


def _signed(value: float, text: str) -> str:
    if not math.isfinite(value) or text.strip("0.") == "":
        return text
    return f"{_MINUS if value < 0 else '+'}{text}"
