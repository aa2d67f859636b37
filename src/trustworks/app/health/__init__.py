"""Whether what runs is well: findings, beats, the states of processes, and the figures of `/metrics`."""
