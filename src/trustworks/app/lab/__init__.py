"""The laboratory: a whole trust service provider in one folder, set up by one command.

`layout.py` says what lies where, `steps.py` makes what is missing, `show.py` tells how to try it.
"""
