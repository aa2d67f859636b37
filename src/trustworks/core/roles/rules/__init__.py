"""Pure rules on trusted roles, a file for each subject; none reads or writes anything."""
