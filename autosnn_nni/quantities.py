"""Numbers as people write them."""

from autosnn_nni.errors import UserError

_UNITS = {"K": 1e3, "M": 1e6}


def number(text: str, name: str) -> float:
    """``80000``, ``80K`` or ``1.2M``; raises :class:`UserError` that names the option.

    >>> number("1.2M", "--max-spikes")
    1200000.0
    """
    unit = _UNITS.get(text[-1:].upper())
    try:
        return float(text) if unit is None else round(float(text[:-1]) * unit, 6)
    except ValueError:
        raise UserError(
            f"{name} must be a number such as 80000, 80K or 1.2M, not {text!r}"
        ) from None
