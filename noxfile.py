"""What CI runs, session by session, in the environment that `make setup` made."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import nox

nox.options.default_venv_backend = "none"
nox.options.sessions = ["lint", "types", "imports", "tests", "trace", "mutate-rules", "docs"]
nox.needs_version = ">=2025.5"

# The tools of the environment that nox itself runs in come first, whether or not it is activated.
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


@nox.session
def lint(session: nox.Session) -> None:
    """Style and the usual mistakes."""
    session.run("ruff", "check", ".", external=True)
    session.run("ruff", "format", "--check", ".", external=True)


@nox.session
def types(session: nox.Session) -> None:
    """Static types, strictly."""
    session.run("mypy", external=True)


@nox.session
def imports(session: nox.Session) -> None:
    """Who may import whom (`tool.importlinter` in pyproject.toml)."""
    session.run("lint-imports", "--no-cache", external=True)


# Tests wait for processes, clocks and disks: one process more than there are cores keeps the cores busy.
PROCESSES = str((os.cpu_count() or 1) + 1)


def compile_tests(session: nox.Session) -> None:
    """Once, and not in every process that collects tests."""
    session.run("python", "tools/compile_tests.py", external=True)


@nox.session
def tests(session: nox.Session) -> None:
    """All tests, on all cores."""
    compile_tests(session)
    shown = ("--durations=40", "--durations-min=4")  # what keeps the tests from being quicker
    processes = ("-n", PROCESSES, "--dist", "loadgroup")
    session.run("pytest", "-q", *processes, *shown, *session.posargs, external=True)


@nox.session
def coverage(session: nox.Session) -> None:
    """All tests under coverage, processes that they start included."""
    compile_tests(session)
    session.run("coverage", "erase", external=True)
    session.run(
        "coverage",
        "run",
        "-m",
        "pytest",
        "-q",
        "-n",
        PROCESSES,
        "--dist",
        "loadgroup",
        *session.posargs,
        external=True,
    )
    session.run("coverage", "combine", "--quiet", external=True)
    session.run("coverage", "report", external=True)


@nox.session
def trace(session: nox.Session) -> None:
    """Every requirement has its rule and its test, or declares its gap."""
    session.run("trustworks", "assurance", "trace", "--check", *session.posargs, external=True)


@nox.session(name="mutate-rules")
def mutate_rules(session: nox.Session) -> None:
    """Disable each rule in turn; a test that carries its id must fail."""
    compile_tests(session)
    session.run("pytest", "-q", "--mutate-rules", *session.posargs, external=True)


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation; a warning is an error."""
    session.run(
        "sphinx-build", "-q", "-W", "--keep-going", "-b", "html", "docs", "docs/_build/html", external=True
    )


@nox.session
def readme(session: nox.Session) -> None:
    """Compare README and documentation with what the product prints (`-- --write` renews them)."""
    session.run("python", "tools/renew_outputs.py", *(session.posargs or ["--check"]), external=True)


@nox.session
def bench(session: nox.Session) -> None:
    """Run every benchmark, or the ones named after `--`; each prints its figure beside its reference."""
    named = [Path("benchmarks", f"{name}.py") for name in session.posargs]
    for script in named or sorted(Path("benchmarks").glob("[!_]*.py")):
        session.run("python", str(script), external=True)


def judged(session: nox.Session, page: str, mark: str, tests: str, variable: str) -> None:
    """Let all be judged, and put the table that the tests write into a page, between its marks."""
    path = Path("docs", page)
    head, begin, rest = path.read_text(encoding="utf-8").partition(f"<!-- {mark} -->\n")
    _, end, tail = rest.partition(f"<!-- end of {mark} -->\n")
    table = Path(session.create_tmp(), f"{mark}.md")
    table.unlink(missing_ok=True)
    session.run(
        "pytest",
        *("-q", "-n0", f"tests/interop/{tests}", *session.posargs),
        env={variable: str(table.resolve())},
        external=True,
    )
    if not table.is_file():
        session.error("Nothing was judged: EU DSS, or the signed files, are not there. See what was skipped.")
    path.write_text(head + begin + table.read_text(encoding="utf-8") + end + tail, encoding="utf-8")


@nox.session
def interop(session: nox.Session) -> None:
    """Let others judge beside us what is signed, by others and here, or raised, and the schema all reports.

    Writes the tables of docs/validation-agreement.md and docs/signing-agreement.md.
    """
    judged(session, "validation-agreement.md", "agreement", "test_dss.py", "TRUSTWORKS_AGREEMENT")
    judged(session, "signing-agreement.md", "matrix", "test_signature_matrix.py", "TRUSTWORKS_MATRIX")
    told = Path(session.create_tmp(), "reports.xml")
    session.run(
        "pytest",
        *("-q", "-n0", f"--junitxml={told.resolve()}"),
        "tests/interop/test_validation_report.py",
        "tests/interop/test_foreign_augmented.py",
        env={"TRUSTWORKS_WHOLE_CORPUS": "1"},
        external=True,
    )
    if 'skipped="0"' not in told.read_text(encoding="utf-8"):
        session.error("Not all was judged: the schema, EU DSS, or the signed files, are not there.")


@nox.session
def release(session: nox.Session) -> None:
    """Build the wheel twice, compare, write bills of materials (into `dist`, or the folder after `--`)."""
    session.run("python", "tools/release.py", *session.posargs, external=True)
