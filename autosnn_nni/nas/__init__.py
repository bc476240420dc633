"""NNI's NAS: experiments, engines, evaluators and trials, as in ``nni.nas``."""
