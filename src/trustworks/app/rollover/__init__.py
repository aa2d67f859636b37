"""Keys replaced in time: which are due, and the responder's, which the jobs replace by themselves."""
