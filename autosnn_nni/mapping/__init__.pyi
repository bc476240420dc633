from .fit import Fit, fit, fit_of
from .space import Fitting, Share, fitting_of, search_of

__all__ = [
    "Fit",
    "Fitting",
    "Share",
    "fit",
    "fit_of",
    "fitting_of",
    "search_of",
]
