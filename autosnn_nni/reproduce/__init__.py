"""Recipes for the paper's tables and figures, run at a scale and compared with its numbers."""
