"""Recipes of `autosnn reproduce`; this is a package so that they are installed."""
