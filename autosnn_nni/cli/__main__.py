"""``python -m autosnn_nni.cli`` is the command ``autosnn``."""

from autosnn_nni.cli.app import main

if __name__ == "__main__":
    main()
