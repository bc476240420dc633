"""Parsing and formatting of numbers for people."""

import math
from typing import Final

from autosnn_nni.errors import UserError

#: Shown for an unknown number.
DASH: Final = "\N{EN DASH}"

_UNITS = {"K": 1e3, "M": 1e6}


def number(text: str, name: str) -> float:
    """Parse ``80000``, ``80K`` or ``1.2M``; raises :class:`UserError` that names the option.

    >>> number("1.2M", "--max-spikes")
    1200000.0
    """
    unit = _UNITS.get(text[-1:].upper())
    try:
        value = float(text) if unit is None else round(float(text[:-1]) * unit, 6)
    except ValueError:
        value = math.nan
    if math.isnan(value):
        raise UserError(f"{name} must be a number such as 80000, 80K or 1.2M, not {text!r}")
    return value


def format_accuracy(fraction: float) -> str:
    """Format a fraction as a percentage.

    >>> format_accuracy(0.972)
    '97.2 %'
    """
    return f"{100 * fraction:.1f} %" if math.isfinite(fraction) else DASH


def format_spikes(spikes: float) -> str:
    """Format spikes with thousands separators, and with one decimal below 100.

    >>> format_spikes(3412.3), format_spikes(8.25)
    ('3,412', '8.2')
    """
    if not math.isfinite(spikes):
        return DASH
    return f"{spikes:,.0f}" if abs(spikes) >= 99.95 else f"{spikes:,.1f}"


def format_rate(rate: float | None) -> str:
    """Format a firing rate or another small number with three decimals."""
    return f"{rate:.3f}" if rate is not None and math.isfinite(rate) else DASH


def format_tau(tau: float) -> str:
    """Format Kendall's tau or a bound of its confidence interval.

    >>> format_tau(0.8), format_tau(0.125)
    ('0.80', '0.12')
    """
    return f"{tau:.2f}" if math.isfinite(tau) else DASH


def format_seconds(seconds: float) -> str:
    """Format a duration in seconds, minutes or hours.

    >>> format_seconds(42), format_seconds(200), format_seconds(3960)
    ('42 s', '3.3 min', '1.1 h')
    """
    if not math.isfinite(seconds):
        return DASH
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 3600 else f"{seconds / 3600:,.1f} h"
