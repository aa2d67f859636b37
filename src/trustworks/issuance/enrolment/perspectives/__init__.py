"""Remote network perspectives: others who look at the same domains from elsewhere in the network."""
