"""A run: its settings, its folder, its data, models and devices."""
