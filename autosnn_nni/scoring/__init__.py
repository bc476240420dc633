"""Score networks: accuracy and spikes, one by one or as a whole population."""
