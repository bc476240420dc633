"""Event-driven kernels for the CPU: their time falls with the number of spikes."""
