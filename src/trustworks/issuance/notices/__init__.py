"""Tells others what happened: subjects by the operator's command, clients of the JSON API by webhooks.

What is to be told is written in the transaction of what happened (`records.notices`), so that none is lost;
it is handed over at least once, by the jobs process (`delivery`).
"""
