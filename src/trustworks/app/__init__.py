"""The application: the only place that wires services, module, clock, log and store together."""
