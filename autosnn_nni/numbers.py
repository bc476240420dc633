"""Parsing and formatting of numbers for people."""

import math
from typing import Final

from autosnn_nni.errors import UserError

#: Shown for an unknown number.
DASH: Final = "\N{EN DASH}"
PLUS_MINUS: Final = "\N{PLUS-MINUS SIGN}"

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


_PER_JOULE = {"pJ": 1e12, "nJ": 1e9, "µJ": 1e6, "mJ": 1e3}


def format_accuracy(fraction: float, std: float = math.nan) -> str:
    """Format a fraction as a percentage, with its standard deviation if that is known.

    A standard deviation below 0.1 points gets two decimals.

    >>> format_accuracy(0.972), format_accuracy(0.947, 0.0041), format_accuracy(0.947, 0.0004)
    ('97.2 %', '94.7 ± 0.4 %', '94.70 ± 0.04 %')
    """
    if not math.isfinite(fraction):
        return DASH
    digits = 2 if 0 < 100 * std < 0.095 else 1
    return f"{_with_std(100 * fraction, 100 * std, f'.{digits}f')} %"


def format_spikes(spikes: float, std: float = math.nan) -> str:
    """Format spikes with thousands separators, and with one decimal below 100.

    A standard deviation gets as many decimals.

    >>> format_spikes(3412.3), format_spikes(8.25), format_spikes(3412.3, 25.1)
    ('3,412', '8.2', '3,412 ± 25')
    """
    if not math.isfinite(spikes):
        return DASH
    return _with_std(spikes, std, ",.0f" if abs(spikes) >= 99.95 else ",.1f")


def format_rate(rate: float | None, std: float = math.nan) -> str:
    """Format a firing rate or another small number with three decimals."""
    return _with_std(rate, std, ".3f") if rate is not None and math.isfinite(rate) else DASH


def _with_std(value: float, std: float, form: str) -> str:
    return f"{value:{form}} {PLUS_MINUS} {std:{form}}" if math.isfinite(std) else f"{value:{form}}"


def format_tau(tau: float) -> str:
    """Format Kendall's tau or a bound of its confidence interval.

    >>> format_tau(0.8), format_tau(0.125)
    ('0.80', '0.12')
    """
    return f"{tau:.2f}" if math.isfinite(tau) else DASH


def format_share(share: float) -> str:
    """Format a share of a whole.

    >>> format_share(0.546)
    '55 %'
    """
    return f"{100 * share:.0f} %" if math.isfinite(share) else DASH


def format_joules(joules: float) -> str:
    """Format an energy with three digits.

    >>> format_joules(3.36e-8), format_joules(0.00123), format_joules(9.999e-7)
    ('33.6 nJ', '1.23 mJ', '1 µJ')
    """
    if not math.isfinite(joules):
        return DASH
    for unit in ("pJ", "nJ", "µJ", "mJ"):
        value = joules * _PER_JOULE[unit]
        if float(f"{value:.3g}") < 1000:
            break
    return f"{value:.3g} {unit}"


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
