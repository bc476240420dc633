"""NNI's server on a machine that runs trials by ssh, also started with ``preload.js``.

``preload.js`` makes the manager start this module instead of NNI's own, as
``python -m autosnn_nni.manager.trial_keeper FOLDER``.
"""

from nni.tools.nni_manager_scripts import launch_trial_keeper

from autosnn_nni.manager.guard import guard

if __name__ == "__main__":
    guard()
    launch_trial_keeper.main()
