"""Key ceremonies: a reviewed plan, approved by its digest, carried out step by step, told in a transcript.

Who reads on: `model.py` (plan and types), `rules.py` (what a plan and a transcript need), `executor.py` (what
an interruption leaves), `transcript.py` (the chain and its seal), `verify.py` (years later, offline).
"""
