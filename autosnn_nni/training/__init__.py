"""Training with Lightning: supernets, and single networks from scratch."""
