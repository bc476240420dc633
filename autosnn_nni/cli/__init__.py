"""The command line: ``autosnn``."""
