"""Changes of what a qualified service stands on: planned and noticed, or found and drafted as an incident.

Nothing is ever sent from here: a notice is a draft, which people complete, decide on, and send.
"""

from trustworks.assurance.changes.model import Change, ChangePlan, ChangeState, Incident

__all__ = ["Change", "ChangePlan", "ChangeState", "Incident"]
