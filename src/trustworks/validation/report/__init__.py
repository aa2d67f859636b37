"""Reports of a validation: one outcome, told to machines, to lawyers, and to who wants to know why."""
