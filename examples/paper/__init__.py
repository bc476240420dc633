"""The recipes of `autosnn reproduce`; a package, so that they are installed with it."""
