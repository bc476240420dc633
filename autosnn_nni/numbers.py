"""Parsing and formatting of numbers for people."""

import math
import re
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


_PREFIXES = {
    "p": 1e-12,
    "n": 1e-9,
    "u": 1e-6,
    "µ": 1e-6,
    "m": 1e-3,
    "": 1.0,
    "k": 1e3,
    "K": 1e3,
    "M": 1e6,
    "G": 1e9,
    "Ki": 2.0**10,
    "Mi": 2.0**20,
    "Gi": 2.0**30,
}
_EXAMPLES = {"J": "2uJ or 350nJ", "B": "64KiB or 1MB", "%": "0.85 or 85%", "ms": "5ms"}


def quantity(text: str, unit: str, name: str) -> float:
    """Parse a number with a ``unit``; without it, it is in that unit.

    Counts have no unit, a percentage is a fraction. Raises :class:`UserError` that names the
    option.

    >>> quantity("2uJ", "J", "--max energy"), quantity("64KiB", "B", "--max memory")
    (2e-06, 65536.0)
    >>> quantity("85%", "%", "--min accuracy"), quantity("80K", "", "--max spikes")
    (0.85, 80000.0)
    """
    if not unit:
        return number(text, name)
    match = re.fullmatch(rf"([-+.0-9]+(?:e[-+]?[0-9]+)?)(?:([a-zµA-Z]*){unit})?", text)
    try:
        value, prefix = (float(match[1]), match[2] or "") if match else (math.nan, "")
    except ValueError:
        value, prefix = math.nan, ""
    if math.isnan(value) or prefix not in _PREFIXES or (prefix and unit in ("%", "ms")):
        raise UserError(f"{name} must be a number such as {_EXAMPLES[unit]}, not {text!r}")
    if unit == "%":
        return _fraction(value / 100 if text.endswith("%") else value, text, name)
    return float(f"{value * _PREFIXES[prefix]:.15g}")


def _fraction(value: float, text: str, name: str) -> float:
    if value > 1:
        raise UserError(
            f"{name} must be a fraction or a percentage, such as 0.85 or 85%, not {text}"
        )
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


def format_bytes(size: float) -> str:
    """Format a memory with three digits.

    >>> format_bytes(65536), format_bytes(100), format_bytes(3_500_000)
    ('64 KiB', '100 B', '3.34 MiB')
    """
    if not math.isfinite(size):
        return DASH
    units = ["B", "KiB", "MiB", "GiB"]
    while size >= 1024 and len(units) > 1:
        size /= 1024
        units.pop(0)
    return f"{size:.4g} {units[0]}" if size >= 1000 else f"{size:.3g} {units[0]}"


def format_quantity(value: float, unit: str) -> str:
    """Format a value with its unit; a count has none, and a percentage is a fraction.

    >>> format_quantity(3412.3, ""), format_quantity(2e-6, "J"), format_quantity(0.972, "%")
    ('3,412', '2 µJ', '97.2 %')
    """
    if unit == "ms":
        return f"{value:.3g} ms" if math.isfinite(value) else DASH
    if unit == "%":
        return format_accuracy(value)
    if unit == "J":
        return format_joules(value)
    return format_bytes(value) if unit == "B" else format_spikes(value)


def counted(number: int, noun: str) -> str:
    """A number with its noun.

    >>> counted(1, "epoch"), counted(2000, "epoch")
    ('1 epoch', '2,000 epochs')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


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


def format_forecast(seconds: float) -> str:
    """A rough duration for people: ``40 s``, ``5 min``, ``3.5 h``."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
