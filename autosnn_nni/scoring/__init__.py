"""Networks scored: accuracy and spikes, one by one or a whole population together."""
