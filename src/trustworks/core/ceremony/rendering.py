"""A transcript as one HTML page that stands alone: to be read on a screen, and printed and signed by hand."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import jinja2

from trustworks.core.ceremony.model import KINDS

if TYPE_CHECKING:
    from trustworks.core.ceremony.transcript import Transcript
    from trustworks.core.ceremony.verify import Verdict


@cache
def _template() -> jinja2.Template:
    source = files("trustworks.core.ceremony").joinpath("templates").joinpath("transcript.html.j2")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(source.read_text(encoding="utf-8"))


def as_html(found: Transcript, verdict: Verdict) -> str:
    """The page: plan, participants, steps with times and evidence, inventory of keys, verdict, signatures."""
    plan = found.plan.plan
    return _template().render(
        plan=plan,
        digest=found.plan.digest,
        kind=KINDS[plan.type],
        transcript=found,
        verdict=verdict,
        steps=[_step(found, number) for number in range(1, len(plan.steps) + 1)],
        keys=found.keys(),
        modules=[facts for facts in found.done.values() if "library_sha256" in facts],
        others=[one for one in found.entries if one.event in {"failed", "resumed", "abandoned"}],
    )


def _step(found: Transcript, number: int) -> dict[str, Any]:
    """What is shown of a step: what the script says, when it was, what came of it."""
    step = found.plan.plan.steps[number - 1]
    times = {one.event: one.time for one in found.entries if one.step == number}
    facts = found.done.get(number, {})
    return {
        "number": number,
        "step": step,
        "begun": times.get("begun"),
        "done": times.get("done"),
        "facts": {name: _shown(value) for name, value in sorted(facts.items()) if name not in _LONG},
        "what": getattr(step, "what", None),
    }


# Too long for a page that people read: they are in the document.
_LONG = frozenset({"certificate", "mechanisms", "interfaces", "what"})


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_shown(one)}" for name, one in sorted(value.items()))
    if isinstance(value, list):
        return ", ".join(map(_shown, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "not told" if value is None else str(value)
