"""A run: what it was told, its folder, what it computes with."""
