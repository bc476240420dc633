"""The commands of ``autosnn``: names, arguments and options. What they do is imported late."""
