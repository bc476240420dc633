"""What NNI and Lightning say at every import and run that a user can't act on: silenced here."""

import logging
import warnings

#: The messages' beginnings, each with the reason why it says nothing to a user.
_IGNORED = (
    r"`isinstance\(treespec, LeafSpec\)` is deprecated",
    # NNI 3.0 wraps every class of torch.nn and stumbles over those that are newer than itself.
    r"<class 'torch\.nn\..*> is found to be not a nn\.Module",
    r".*LinearCrossEntropyOptions.*",
    # The strategy exports the architectures it searched, not this arbitrary one.
    r"Direct export from RandomOneShot",
    # Batches are made from tensors in memory: workers would only cost time.
    r".*does not have many workers.*",
    r".*The number of training batches .* is smaller than the logging interval",
    # Stage 1 has a validation split, but uniform paths are not validated.
    r".*`val_dataloader`.*",
    r"pkg_resources is deprecated",
    r"You are using `torch\.load` with `weights_only=False`",
)

#: Below the packages' own loggers, whose levels they set themselves at import.
_CHATTY = {
    "lightning_fabric.utilities.rank_zero": logging.WARNING,
    "pytorch_lightning.utilities.rank_zero": logging.WARNING,
    "nni.nas": logging.WARNING,
    # These only announce an error, or Ctrl-C, that is raised to the caller as well.
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
    for name, level in _CHATTY.items():
        logging.getLogger(name).setLevel(level)
