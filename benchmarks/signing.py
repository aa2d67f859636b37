"""How fast signatures are made, beside pyHanko and signxml with the same key in the same run.

    python benchmarks/signing.py [--files 200] [--rounds 5] [--megabytes 1000]
        [--only formats whole stamps large] [--quick]

* formats: level B-B of 10,000 octets, with a P-256 key in SoftHSM2: prepared, signed by the module, and
  completed, which verifies it. The others do not verify what they make; EU DSS has a key of its own, in a
  PKCS#12 file (`Signer.java`). Rates are for a second of processor time of one core; the first round is left
  out. What is made is validated before by the whole process.
* whole: the same by `signing.create`, whose process reads what it made once more and looks at its level; and
  through the handler of `POST /seals` with its record and audit event, in this process and without sockets.
  What level B-T costs there beside B-B and the unit.
* stamps: what level B-T costs beside B-B, without the time-stamping unit, which is in the process with
  another key of the module.
* large: a detached CAdES, and ASiC-E with CAdES and with XAdES, over 1 GB; each in a process of its own,
  whose start is told beside the work, and beside SHA-256 of the same file.

Every figure is told by its best round and by its median: the distance is the noise of the machine. A target
is kept by the best round. Exit code 1 when one of the issue is missed.

`--quick`: a few files, once and without EU DSS, to see that all of it runs. Its figures say nothing.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import _signing_peers as peers  # type: ignore[import-not-found] # the modules beside this one
from _figures import missed, rates, told  # type: ignore[import-not-found]
from _signed_files import House, page  # type: ignore[import-not-found]
from _signing_desk import (  # type: ignore[import-not-found]
    desk_of,
    new_token,
    opened,
    signer_key,
    signer_of,
    unit_of,
)
from _signing_service import Whole, served  # type: ignore[import-not-found]
from cryptography.hazmat.primitives.serialization import Encoding

from trustworks.formats.asic.creating import Sign
from trustworks.formats.data import Octets, Stored
from trustworks.signing.model import Format, Level
from trustworks.validation.model import Indication
from trustworks.validation.policies.policy import shipped
from trustworks.validation.rules.inputs import Extra, token
from trustworks.validation.service import Validator
from trustworks.validation.trust import Trust

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trustworks.core.module import Module

SIZE: Final = 10_000
PER_SECOND: Final = 500.0
BEFORE_PYHANKO: Final = 4.0
STAMP: Final = 1_000.0
SHARE_OF_SHA256: Final = 0.7
MEMORY: Final = 150.0
LARGE: Final = {
    "detached CAdES": lambda desk, data: desk.detached(data),
    "ASiC-E with CAdES": lambda desk, data: desk.container(data, Sign.CADES),
    "ASiC-E with XAdES": lambda desk, data: desk.container(data, Sign.XADES),
}


def xml(number: int) -> bytes:
    """A document of 10,000 octets."""
    bare = '<d:doc xmlns:d="urn:example:doc">%s</d:doc>'
    rows = "".join(
        f'<d:item n="{row}" of="{number}"><d:name>Thing {row} of {number}</d:name></d:item>\n'
        for row in range(SIZE // 90)
    )
    return (bare % rows.ljust(SIZE - len(bare) + 2)).encode()


def octets(number: int) -> bytes:
    """Text of 10,000 octets."""
    return f"Line of the text number {number}. ".encode().ljust(SIZE, b".")


def validates(house: House, made: Callable[[bytes], bytes], given: Sequence[bytes]) -> None:
    """What is made passes the whole process of validation."""
    validator = Validator(
        policy=shipped("ades"),
        trust=Trust.of([house.root.der]),
        extra=Extra(
            certificates=(token("C", house.authority.der),),
            revocation=tuple(token("R", one) for one in house.lists),
        ),
    )
    for one in given:
        (found,) = validator.validate(Octets(made(one), "file")).outcome.signatures
        assert found.indication is Indication.TOTAL_PASSED, found


def formats(house: House, module: Module, count: int, rounds: int, *, java: bool) -> None:
    """Rates of level B-B in each format, and those of others."""
    print(f"Formats: {count} of each, {rounds} rounds, load {os.getloadavg()[0]:.1f}")
    key, certificate = signer_of(module, house)
    desk = desk_of(key, certificate.public_bytes(Encoding.DER))
    texts = [octets(number) for number in range(count)]
    trees = [xml(number) for number in range(count)]
    pages = [page(number, SIZE) for number in range(count)]
    assert {len(one) for one in (*texts, *trees, *pages)} == {SIZE}
    ours = {
        "XAdES": (desk.xades, trees),
        "CAdES": (desk.cades, texts),
        "JAdES": (desk.jades, texts),
        "PAdES": (desk.pades, pages),
        "ASiC-E with CAdES": (desk.asic_cades, texts),
        "ASiC-E with XAdES": (desk.asic_xades, texts),
    }
    for made, given in ours.values():
        validates(house, made, given[:2])
    few = max(count // 5, 1)  # of what is slower, so that a round of each takes about as long
    actions = {
        "Key.sign alone (reference)": (key.sign, [text[:300] for text in texts]),
        **ours,
        "XAdES by signxml, not verified": (peers.signxml_xades(key, certificate), trees),
        "CAdES by pyHanko, not verified": (peers.pyhanko_cms(key, certificate), texts[:few]),
        "PAdES by pyHanko, not verified": (peers.pyhanko_pdf(key, certificate), pages[:few]),
    }
    timed = max(few, min(count, 20))  # it tells its processor time in hundredths of a second
    in_java = {"xades": trees[:timed], "cades": texts[:timed], "jades": texts[:timed], "pades": pages[:timed]}
    with (
        tempfile.TemporaryDirectory() as place,
        peers.eu_dss(house, Path(place), in_java if java else {}) as dss,
    ):
        for name, one in dss.items():
            one.seconds()
            validates(house, one.first, in_java[name][:1])
            actions[f"{name} by EU DSS, its key in PKCS#12"] = (one, in_java[name])
        found = rates(actions, rounds)
    for name in ("XAdES", "CAdES", "JAdES"):
        told(f"{name} B-B", found[name], PER_SECOND, "/s", least=True)
    both = zip(found["PAdES"], found["PAdES by pyHanko, not verified"], strict=True)
    told("PAdES B-B, times pyHanko", [one / other for one, other in both], BEFORE_PYHANKO, "", least=True)


def whole(house: House, module: Module, folder: Path, count: int, rounds: int) -> None:
    """Rates of the whole process, by itself and behind the service; and what level B-T costs in it."""
    print(f"Whole process: {count} of each, {rounds} rounds, load {os.getloadavg()[0]:.1f}")
    key, certificate = signer_of(module, house)
    desk, unit = desk_of(key, certificate.public_bytes(Encoding.DER)), unit_of(module, house)
    signing = Whole.of(desk, unit)
    given = {
        Format.XADES: [xml(number) for number in range(count)],
        Format.CADES: [octets(number) for number in range(count)],
        Format.JADES: [octets(number) for number in range(count)],
        Format.PADES: [page(number, SIZE) for number in range(count)],
    }
    actions = {}
    with served(signing, folder) as service:
        for format_, files in given.items():
            for level in (Level.B, Level.T):
                validates(house, partial(signing.sign, format_=format_, level=level), files[:1])
            validates(house, partial(service.seal, format_=format_), files[:1])
            actions[f"{format_.value} by Creation"] = (partial(signing.sign, format_=format_), files)
            actions[f"{format_.value} by POST /seals"] = (partial(service.seal, format_=format_), files)
        found = rates(actions, rounds)
        for format_ in (Format.XADES, Format.CADES, Format.JADES):
            told(
                f"{format_.value} B-B by Creation",
                found[f"{format_.value} by Creation"],
                PER_SECOND,
                "/s",
                least=True,
            )
    for format_, files in given.items():
        beside = []
        for _ in range(rounds + 1):
            taken = {}
            for level in (Level.B, Level.T):
                unit.taken, began = 0.0, time.process_time()
                for one in files:
                    signing.sign(one, format_, level)
                taken[level] = time.process_time() - began - unit.taken
            beside.append((taken[Level.T] - taken[Level.B]) / count * 1e6)
        told(f"{format_.value} B-T beside B-B and the unit, by Creation", beside[1:], STAMP, "us")


def stamps(house: House, module: Module, count: int, rounds: int) -> None:
    """What level B-T costs beside B-B and the unit, in microseconds of processor time."""
    print(f"Time-stamps: {count} of each, {rounds} rounds, load {os.getloadavg()[0]:.1f}")
    key, certificate = signer_of(module, house)
    desk, unit = desk_of(key, certificate.public_bytes(Encoding.DER)), unit_of(module, house)
    actions = {
        "XAdES": (unit.xades, [desk.xades(xml(number)) for number in range(count)]),
        "CAdES": (unit.cades, [desk.cades(octets(number)) for number in range(count)]),
        "JAdES": (unit.jades, [desk.jades(octets(number)) for number in range(count)]),
    }
    seen: dict[str, list[float]] = {name: [] for name in actions}
    for stamped, given in actions.values():
        validates(house, stamped, given[:2])
    units = []
    for _ in range(rounds + 1):
        for name, (stamped, given) in actions.items():
            unit.taken, began = 0.0, time.process_time()
            for one in given:
                stamped(one)
            taken = time.process_time() - began
            units.append(unit.taken / count * 1e6)
            seen[name].append((taken - unit.taken) / count * 1e6)
    print(f"  {'the unit itself':<52} {min(units):10.1f} us    median {statistics.median(units):.1f}")
    for name, values in seen.items():
        told(f"{name} B-T beside B-B and the unit", values[1:], STAMP, "us")


def large(certificate: bytes, folder: Path, uri: str, megabytes: int, rounds: int) -> None:
    """One signature over much data, in constant memory."""
    print(f"Large: {megabytes} MB, load {os.getloadavg()[0]:.1f}")
    (folder / "signer.der").write_bytes(certificate)
    data = folder / "a.txt"
    portion = os.urandom(1_000_000)
    with data.open("wb") as file:
        for number in range(megabytes):
            file.write(number.to_bytes(8, "big") + portion[8:])
    alone: list[float] = []
    taken: dict[str, list[dict[str, float]]] = {name: [] for name in LARGE}
    for _ in range(rounds):
        began = time.process_time()
        with data.open("rb") as file:
            hashlib.file_digest(file, "sha256")
        alone.append(time.process_time() - began)
        for name in LARGE:
            done = subprocess.run(
                [sys.executable, __file__, "--child", name, str(folder), uri],
                stdout=subprocess.PIPE,
                check=True,
            )
            taken[name].append(json.loads(done.stdout))
    speeds = [megabytes / one for one in alone]
    print(
        f"  {'SHA-256 over the same file (reference)':<52} {max(speeds):10.1f} MB/s  "
        f"median {statistics.median(speeds):.1f}"
    )
    for name, found in taken.items():
        for part in ("start", "work"):
            values = [one[part] for one in found]
            print(
                f"  {f'{name}: {part}':<52} {min(values):10.2f} s     median {statistics.median(values):.2f}"
            )
        shares = [one / other["work"] for one, other in zip(alone, found, strict=True)]  # of the same round
        told(f"{name}: share of the speed of SHA-256", shares, SHARE_OF_SHA256, "", least=True)
        told(f"{name}: memory", [one["memory"] for one in found], MEMORY, "MB")


def child(name: str, folder: Path, uri: str) -> None:
    """Signs once, and tells the processor time of the start and of the work, and the most memory."""
    with opened(uri) as module:
        desk = desk_of(signer_key(module), (folder / "signer.der").read_bytes())
        start = time.process_time()
        made = LARGE[name](desk, Stored(folder / "a.txt", "a.txt"))
        with (folder / "made").open("wb") as file:
            for portion in made.portions():
                file.write(portion)
        work = time.process_time() - start
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    print(json.dumps({"start": start, "work": work, "memory": memory}))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--megabytes", type=int, default=1_000)
    parts = ("formats", "whole", "stamps", "large")
    parser.add_argument("--only", nargs="+", choices=parts, default=parts)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--child", nargs=3, metavar=("WHAT", "FOLDER", "URI"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        name, place, uri = asked.child
        child(name, Path(place), uri)
        return 0
    if asked.quick:
        asked.files, asked.rounds, asked.megabytes = 3, 1, 20
    house = House()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        uri = new_token(folder)
        with opened(uri) as module:
            if "formats" in asked.only:
                formats(house, module, asked.files, asked.rounds, java=not asked.quick)
            if "whole" in asked.only:
                whole(house, module, folder, asked.files, asked.rounds)
            if "stamps" in asked.only:
                stamps(house, module, asked.files, asked.rounds)
            if "large" in asked.only:
                _, certificate = signer_of(module, house)
                large(certificate.public_bytes(Encoding.DER), folder, uri, asked.megabytes, asked.rounds)
    print(f"missed: {', '.join(missed) or 'none'}")
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
