"""Silences warnings and logs of NNI and Lightning that a user can't act on."""

import logging
import warnings

#: How the ignored warnings start, with the reason if it is not obvious.
_IGNORED = (
    r"`isinstance\(treespec, LeafSpec\)` is deprecated",
    # NNI 3.0 wraps every class of torch.nn and warns about those newer than itself.
    r"<class 'torch\.nn\..*> is found to be not a nn\.Module",
    r".*LinearCrossEntropyOptions.*",
    # The strategy exports the best architectures of its search, not this random one.
    r"Direct export from RandomOneShot",
    # Batches are made from tensors in memory: workers would only cost time.
    r".*does not have many workers.*",
    r".*The number of training batches .* is smaller than the logging interval",
    # Stage 1 has a validation split, but uniform paths are not validated.
    r".*`val_dataloader`.*",
    r"pkg_resources is deprecated",
    # A pickle of another kind is refused with a message that names the file.
    r"Detected pickle protocol \d+ in the checkpoint",
    r"You are using `torch\.load` with `weights_only=False`",
)

#: Child loggers: the packages set the levels of their own top loggers at import.
_LOG_LEVELS = {
    "lightning_fabric.utilities.rank_zero": logging.WARNING,
    "pytorch_lightning.utilities.rank_zero": logging.WARNING,
    "nni.nas": logging.WARNING,
    "matplotlib": logging.ERROR,  # a home that can't be written, which is not needed
    # These only report an error, or Ctrl-C, that is also raised to the caller.
    "nni.experiment": logging.ERROR,
    "nni.nas.execution.sequential": logging.CRITICAL,
    "nni.nas.strategy.base": logging.CRITICAL,
    "nni.runtime.command_channel": logging.CRITICAL,
    "nni.runtime.tuner_command_channel": logging.CRITICAL,
}


def be_quiet() -> None:
    """Install the filters; called once when the package is imported."""
    for message in _IGNORED:
        warnings.filterwarnings("ignore", message=message)
    for name, level in _LOG_LEVELS.items():
        logging.getLogger(name).setLevel(level)
