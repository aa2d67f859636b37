"""What the standards demand, as pure functions with the requirements' ids.

`requests.py`: what is granted. `timing.py`: when. `units.py`: with which key and certificate. `tokens.py`:
what a token is like, and that it answers its request. The tables `RULES` there fix the order.
"""
