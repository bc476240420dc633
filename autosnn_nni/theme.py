"""Colours, labels and number formats: one source for pages and PNG files.

The colours are Okabe and Ito's, which stay apart under every kind of colour blindness.
"""

import math
from typing import Final

INK: Final = "#1b2733"
MUTED: Final = "#5b6875"
GRID: Final = "#e4e8ec"
CANDIDATE: Final = "#9fb0c0"
FRONT: Final = "#0072B2"
WINNER: Final = "#D55E00"
KNEE: Final = "#009E73"
BASELINES: Final = ("#009E73", "#CC79A7", "#56B4E9", "#E69F00")
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
DASH: Final = "\N{EN DASH}"
SPIKES: Final = "Spikes per image"
FIRING_RATE: Final = "Firing rate (spikes per neuron per timestep)"
VALIDATION_ACCURACY: Final = "Validation accuracy (%)"
TRUST: Final = (
    ("accuracy", "accuracy (%)", 100.0),
    ("spikes", "spikes per image", 1.0),
)
EPOCHS: Final = "Epochs trained"
# Attribute of an epoch, axis title, factor from the file's unit to the axis's.
CURVES: Final = (
    ("accuracy", "Training accuracy (%)", 100.0),
    ("loss", "Training loss", 1.0),
    ("spikes", SPIKES, 1.0),
)
KIND_LABELS: Final = {
    "stem": "Stem",
    "tbd": "TBD block",
    "pool": "Pooling",
    "head": "Classifier",
    "block": "Block",
    "neuron": "Neurons",
}


def kind_colour(kind: str) -> str:
    """The colour of a kind of stage or layer."""
    return KINDS.get(kind, OTHER)


def kind_label(kind: str) -> str:
    """The name of a kind of stage or layer, for people."""
    return KIND_LABELS.get(kind, kind.capitalize())


def format_accuracy(fraction: float) -> str:
    """A fraction as percent.

    >>> format_accuracy(0.972)
    '97.2 %'
    """
    return f"{100 * fraction:.1f} %" if math.isfinite(fraction) else DASH


def format_spikes(spikes: float) -> str:
    """Spikes with thousands separators, a decimal only where it matters.

    >>> format_spikes(3412.3), format_spikes(8.25)
    ('3,412', '8.2')
    """
    if not math.isfinite(spikes):
        return DASH
    return f"{spikes:,.0f}" if abs(spikes) >= 99.95 else f"{spikes:,.1f}"


def format_rate(rate: float | None) -> str:
    """A firing rate or another small number with three decimals."""
    return f"{rate:.3f}" if rate is not None and math.isfinite(rate) else DASH


def format_tau(tau: float) -> str:
    """Kendall's tau or a bound of it.

    >>> format_tau(0.8), format_tau(0.125)
    ('0.80', '0.12')
    """
    return f"{tau:.2f}" if math.isfinite(tau) else DASH


def format_seconds(seconds: float) -> str:
    """A duration in the unit that suits it.

    >>> format_seconds(42), format_seconds(200), format_seconds(3960)
    ('42 s', '3.3 min', '1.1 h')
    """
    if not math.isfinite(seconds):
        return DASH
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 3600 else f"{seconds / 3600:,.1f} h"
