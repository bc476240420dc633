"""Networks trained by Lightning: supernets, and single ones from scratch."""
