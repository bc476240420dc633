"""The parameters of a trial, as NNI records them.

NNI 3.0 hands out parameters first in, first out, to the trial that asks first. If a trial dies
before it asks, all later ones are shifted, and the record of a trial is not what it ran. A trial
on the manager's machine therefore asks for its own record and runs that. On other machines only
the manager can assign the right parameters (``preload.js``).
"""

import json
import os
from typing import Any

import nni
import nni.trial

from autosnn_nni.errors import UserError
from autosnn_nni.manager.client import Manager


def next_parameters() -> dict[str, Any]:
    """The parameters of this trial; call it once, instead of ``nni.get_next_parameter``.

    Raises :class:`UserError` outside NNI's trials.
    """
    if "NNI_TRIAL_JOB_ID" not in os.environ:
        raise UserError("this command runs as a trial of NNI; use it as a config's trialCommand")
    parameters: dict[str, Any] = nni.get_next_parameter()  # NNI waits for this call
    if os.environ.get("NNI_PLATFORM") == "local":
        record = Manager.of_trial().trial(os.environ["NNI_TRIAL_JOB_ID"])
        nni.trial._params = json.loads(record["hyperParameters"][0])  # its id is reported as well
        parameters = nni.trial._params["parameters"]
    return parameters
