"""`trustworks keys ceremony`: plan, check, rehearse, approve and run a key ceremony; its transcript."""

from __future__ import annotations

import typer

from trustworks.app.commands import ceremony_plans, ceremony_runs, ceremony_transcripts

app = typer.Typer(no_args_is_help=True, help="Key ceremonies: plan, rehearse, approve, run, verify.")

# In the order of `--help`, by the names that operators type.
for _name, _command in (
    ("plan", ceremony_plans.plan),
    ("check", ceremony_plans.check),
    ("digest", ceremony_plans.digest),
    ("rehearse", ceremony_plans.rehearse),
    ("approve", ceremony_plans.approve),
    ("run", ceremony_runs.run),
    ("stamp", ceremony_runs.stamp),
    ("abandon", ceremony_runs.abandon),
    ("sign", ceremony_runs.sign),
    ("list", ceremony_transcripts.list_ceremonies),
    ("show", ceremony_transcripts.show),
    ("export", ceremony_transcripts.export),
    ("verify", ceremony_transcripts.verify),
):
    app.command(_name)(_command)
