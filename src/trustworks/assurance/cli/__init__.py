"""`trustworks assurance`: what shows that systems and products are trustworthy."""

from __future__ import annotations

import typer

from trustworks.assurance.cli import (
    binding,
    certificate,
    change,
    evidence,
    paper,
    product,
    rules,
    sources,
    statement,
    statements,
    trace,
    verdict,
)

app = typer.Typer(
    no_args_is_help=True,
    help="What shows that systems and products are trustworthy: products, certificates, verdicts.",
)
app.add_typer(product.product, name="product")
app.add_typer(certificate.certificate, name="certificate")
app.add_typer(sources.sources, name="sources")
app.add_typer(binding.binding, name="binding")
app.command()(statement.confirm)
app.add_typer(statement.check, name="check")
app.add_typer(statement.document, name="document")
app.add_typer(paper.paper, name="paper")
app.add_typer(statement.transfer, name="transfer")
app.add_typer(statement.headcount, name="headcount")
app.command()(verdict.verdicts)
app.command()(verdict.forecast)
app.add_typer(evidence.evidence, name="evidence")
app.add_typer(evidence.duty, name="duty")
app.add_typer(change.change, name="change")
app.add_typer(change.incident, name="incident")
app.add_typer(rules.rules, name="rules")
app.command()(statements.statements)
app.command()(trace.trace)

__all__ = ["app"]
