from .fit import Fit, fit, fit_of, fits_of, needed
from .space import Fitting, Share, fitting_of, search_of

__all__ = [
    "Fit",
    "Fitting",
    "Share",
    "fit",
    "fit_of",
    "fits_of",
    "fitting_of",
    "needed",
    "search_of",
]
