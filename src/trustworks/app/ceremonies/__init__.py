"""Key ceremonies of a configuration: what a plan's steps do, a rehearsal on scratch tokens, the run."""
