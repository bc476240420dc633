"""Colours and labels for the HTML page and the PNG files.

The colours are Okabe and Ito's, which are distinct for every kind of colour blindness.
"""

from typing import Final, NamedTuple

from autosnn_nni.strategies import Objective

INK: Final = "#1b2733"
MUTED: Final = "#5b6875"
GRID: Final = "#e4e8ec"
CANDIDATE: Final = "#8292a2"
FRONT: Final = "#0072B2"
WINNER: Final = "#D55E00"
KNEE: Final = "#009E73"
BASELINES: Final = ("#009E73", "#CC79A7", "#56B4E9", "#E69F00")
#: Runs over each other differ in colour, line and symbol: no one needs colours to tell them apart.
SERIES: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
DASHES: Final = ("solid", "dash", "dot", "dashdot")
#: By plotly's names, and by matplotlib's.
SYMBOLS: Final = {"circle": "o", "square": "s", "diamond": "D", "triangle-up": "^", "cross": "P"}
#: Lines of the network and of its baselines, by plotly's names, and by matplotlib's and CSS's.
NETWORK_DASH: Final = "solid"
BASELINE_DASHES: Final = ("dash", "dot")
LINE_STYLES: Final = {"solid": "solid", "dash": "dashed", "dot": "dotted"}
OTHER: Final = "#7f8c99"
KINDS: Final = {
    "stem": "#56B4E9",
    "tbd": "#0072B2",
    "pool": "#E69F00",
    "head": "#009E73",
    "block": "#CC79A7",
    "neuron": "#0072B2",
}

TIMES: Final = "\N{MULTIPLICATION SIGN}"
SPIKES: Final = "Spikes per image"
FIRING_RATE: Final = "Firing rate (spikes per neuron per timestep)"
VALIDATION_ACCURACY: Final = "Validation accuracy (%)"
TEST_ACCURACY: Final = "Test accuracy (%)"
EPOCHS: Final = "Epochs trained"
EVALUATIONS: Final = "Evaluated architectures"


class Curve(NamedTuple):
    """A training curve: an epoch's attribute, the axis's title, the value's factor there."""

    name: str
    title: str
    factor: float


CURVES: Final = (
    Curve("accuracy", "Training accuracy (%)", 100.0),
    Curve("loss", "Training loss", 1.0),
    Curve("spikes", SPIKES, 1.0),
)
KIND_LABELS: Final = {
    "stem": "Stem",
    "tbd": "TBD block",
    "pool": "Pooling",
    "head": "Classifier",
    "block": "Block",
    "neuron": "Neurons",
}


def axis_title(objective: Objective) -> str:
    """The title of an objective's axis."""
    return objective.title[0].upper() + objective.title[1:]


def kind_colour(kind: str) -> str:
    """The colour of a kind of stage or layer."""
    return KINDS.get(kind, OTHER)


def kind_label(kind: str) -> str:
    """The display name of a kind of stage or layer."""
    return KIND_LABELS.get(kind, kind.capitalize())
