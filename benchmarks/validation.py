"""How fast signatures are validated, beside pyHanko, libxmlsec1 and EU DSS: the same files in the same run.

    python benchmarks/validation.py [--files 200] [--rounds 5] [--starts 9] [--megabytes 1000]
        [--only formats lists start large] [--quick]

* formats: PAdES B-LT, CAdES B-T, XAdES B-B of 10,000 octets, all of one signer and each with data of its
  own; every validation is the whole process with trust anchor and revocation lists, offline. Rates are for a
  second of processor time of one core: on a machine that does other things too, they are the comparable ones.
  The first round of each is left out.
* lists: the published trusted lists under ../shared, parsed and checked, then loaded from the cache.
* start: `trustworks validate` of one file, a process from nothing, with those lists and without. Python's
  compiled modules are there, as after any first start.
* large: detached CAdES and an ASiC member of 1 GB by `trustworks validate`, beside SHA-256 of the same file.

Every figure is told by its best round and by its median: the distance is the noise of the machine. A target
is kept by the best round. Exit code 1 when one of the issue is missed.

`--quick`: a few files, once, and without EU DSS and the lists, to see that all of it runs. Its figures say
nothing.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import statistics
import sys
import tempfile
import time
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import _validation_peers as peers  # type: ignore[import-not-found] # the modules beside this one
from _figures import missed, rates, told  # type: ignore[import-not-found]
from _signed_files import House  # type: ignore[import-not-found]
from cryptography.hazmat.primitives.serialization import Encoding

from trustworks.formats.data import Octets
from trustworks.validation.model import Indication
from trustworks.validation.policies.policy import shipped
from trustworks.validation.rules.inputs import Extra, token
from trustworks.validation.service import Validator
from trustworks.validation.trust import Trust

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

LISTS: Final = Path(__file__).resolve().parents[2] / "shared" / "corpus" / "trusted-lists"
DAY_OF_THE_LISTS: Final = datetime(2023, 11, 1, tzinfo=UTC)
LOTL: Final = "https://ec.europa.eu/tools/lotl/eu-lotl.xml"
PUBLICATION: Final = (
    "https://eur-lex.europa.eu/legal-content/EN/TXT/?uri=uriserv:OJ.C_.2019.276.01.0001.01.ENG"
)
TRUSTWORKS: Final = str(Path(sys.executable).with_name("trustworks"))
BEFORE_PYHANKO: Final = 3.0
PER_SECOND: Final = 1_000.0
LISTS_CHECKED: Final = 2.5
LISTS_LOADED: Final = 0.15
START: Final = 0.6
SHARE_OF_SHA256: Final = 0.7
MEMORY: Final = 150.0
LOADS: Final = 9
XADES: Final = "XAdES B-B, 10,000 octets"
XADES_SIZE: Final = 10_000


def formats(house: House, count: int, rounds: int, *, by_dss: bool = True) -> None:
    """Rates for each format, and those of others."""
    print(f"Formats: {count} files of each, {rounds} rounds, load {os.getloadavg()[0]:.1f}")
    files = {
        "PAdES B-LT": [house.pdf(number) for number in range(count)],
        "CAdES B-T": [house.cms(number) for number in range(count)],
        XADES: [house.xml(number, XADES_SIZE) for number in range(count)],
    }
    assert {len(one) for one in files[XADES]} == {XADES_SIZE}
    validator = Validator(
        policy=shipped("ades"),
        trust=Trust.of([house.root.der]),
        extra=Extra(
            certificates=(token("C", house.authority.der),),
            revocation=tuple(token("R", one) for one in house.lists),
        ),
    )

    def ours(octets: bytes) -> bool:
        (found,) = validator.validate(Octets(octets, "file")).outcome.signatures
        return found.indication is Indication.TOTAL_PASSED

    pdf, cms = files["PAdES B-LT"], files["CAdES B-T"]
    few = max(count // 5, 1)  # of what is slower, so that a round of each takes about as long
    actions: dict[str, tuple[Callable[[bytes], bool], Sequence[bytes]]] = {
        **{name: (ours, listed) for name, listed in files.items()},
        "PAdES B-LT by pyHanko": (peers.pyhanko_pdf(house), pdf[:few]),
        "the same, its long-term process": (peers.pyhanko_pdf_long_term(house), pdf[:few]),
        "CAdES B-T by pyHanko": (peers.pyhanko_cms(house), cms[:few]),
    }
    for name, (action, listed) in actions.items():
        assert all(action(octets) for octets in listed), name
    found = rates(actions, rounds)
    for name, listed in files.items() if by_dss else ():
        judged = peers.dss(house, listed)
        if judged is not None:
            print(f"  {name + ' by EU DSS':<52} {1 / judged[0]:10.1f} /s    first file {judged[1]:.1f} s")
    by_xmlsec1 = peers.xmlsec1(house, files[XADES])
    if by_xmlsec1 is not None:
        print(f"  {'the same by xmlsec1, XML-DSig and path alone':<52} {1 / by_xmlsec1:10.1f} /s")
    ours_, theirs = found["PAdES B-LT"], found["PAdES B-LT by pyHanko"]
    ratios = [one / other for one, other in zip(ours_, theirs, strict=True)]  # of the same round
    told("PAdES B-LT, times pyHanko", ratios, BEFORE_PYHANKO, "", least=True)
    told("CAdES B-T", found["CAdES B-T"], PER_SECOND, "/s", least=True)
    told(XADES, found[XADES], PER_SECOND, "/s", least=True)


def lists(folder: Path) -> Path | None:
    """The published lists: checked, and loaded; answers the store."""
    from pyhanko.sign.validation.qualified.eutl_parse import ojeu_bootstrap_lotl_tlso_certs  # noqa: PLC0415

    from trustworks.core.pki.trusted_lists.authenticate import OfficialJournal  # noqa: PLC0415
    from trustworks.core.pki.trusted_lists.fetch import Folder  # noqa: PLC0415
    from trustworks.core.pki.trusted_lists.read import read_trusted_list  # noqa: PLC0415
    from trustworks.core.pki.trusted_lists.refresh import refresh  # noqa: PLC0415
    from trustworks.core.pki.trusted_lists.store import TrustStore  # noqa: PLC0415

    if not LISTS.is_dir():
        print("Lists: NOT MEASURED, ../shared/corpus/trusted-lists is not there")
        return None
    files = [one.read_bytes() for one in sorted(LISTS.iterdir())]
    print(f"Lists: {len(files)} files, {sum(map(len, files)) / 1e6:.1f} MB, load {os.getloadavg()[0]:.1f}")
    journal = OfficialJournal(
        publication=PUBLICATION,
        location=LOTL,
        certificates=tuple(one.dump() for one in ojeu_bootstrap_lotl_tlso_certs()),
    )
    store = folder / "trust"
    began = time.process_time()
    for octets in files:
        read_trusted_list(octets)
    print(f"  {'parsed alone':<52} {time.process_time() - began:10.2f} s of processor time")
    wall, began = time.perf_counter(), time.process_time()
    outcomes = refresh(store, journal, Folder(LISTS, most=1 << 25), DAY_OF_THE_LISTS)
    taken = time.process_time() - began
    print(f"  {len(outcomes)} lists in {time.perf_counter() - wall:.2f} s")
    told("parsed, checked, kept (processor time)", [taken], LISTS_CHECKED, "s")
    loaded = []
    for _ in range(LOADS):
        began = time.process_time()
        opened = TrustStore.load(store, DAY_OF_THE_LISTS)
        assert len(opened.anchors) > 3000
        loaded.append(time.process_time() - began)
    told("loaded with all anchors", loaded, LISTS_LOADED, "s")
    return store


def given(house: House, folder: Path) -> list[str]:
    """Writes what certificates and revocation lists the command is given; answers the options."""
    anchor, untrusted = folder / "root.pem", folder / "given"
    anchor.write_bytes(house.root.certificate.public_bytes(Encoding.PEM))
    untrusted.mkdir()
    (untrusted / "authority.der").write_bytes(house.authority.der)
    for number, octets in enumerate(house.lists):
        (untrusted / f"{number}.crl").write_bytes(octets)
    return ["--offline", "--trust", str(anchor), "--untrusted", str(untrusted)]


def start(house: House, folder: Path, options: Sequence[str], store: Path | None, starts: int) -> None:
    """The command from nothing."""
    print(f"Start: {starts} of each in turn, load {os.getloadavg()[0]:.1f}")
    # The lists are overdue today, which is told and used all the same.
    with_lists = [] if store is None else [(" with trusted lists", ["--trust", str(store)])]
    commands = {
        name + what: [TRUSTWORKS, "validate", str(folder / name), *options, *further]
        for name in ("a.pdf", "a.p7m", "a.xml")
        for what, further in (("", []), *with_lists)
    }
    for name, octets in (("a.pdf", house.pdf(0)), ("a.p7m", house.cms(0)), ("a.xml", house.xml(0))):
        (folder / name).write_bytes(octets)
    peers.child(next(iter(commands.values())))  # what this leaves behind are compiled modules
    taken: dict[str, list[tuple[float, float, int]]] = {name: [] for name in commands}
    for _ in range(starts):
        for name, command in commands.items():
            taken[name].append(peers.child(command))
    for name, rounds in taken.items():
        seconds = [one[0] for one in rounds]
        memory = f"{max(one[2] for one in rounds) / 1e6:.0f} MB"
        print(f"  {name:<52} {min(seconds):10.2f} s     median {statistics.median(seconds):.2f}; {memory}")
        told(f"{name}: processor time", [one[1] for one in rounds], START, "s")


def large(house: House, folder: Path, options: Sequence[str], megabytes: int, rounds: int) -> None:
    """One signature over much data, in constant memory."""
    print(f"Large: {megabytes} MB, load {os.getloadavg()[0]:.1f}")
    data, running = folder / "data.bin", hashlib.sha256()
    portion = os.urandom(1_000_000)
    with data.open("wb") as file:
        for number in range(megabytes):
            part = number.to_bytes(8, "big") + portion[8:]
            file.write(part)
            running.update(part)
    signature = house.detached(running.digest())
    (folder / "data.p7s").write_bytes(signature)
    with zipfile.ZipFile(folder / "data.asics", "w") as container:
        container.writestr("mimetype", "application/vnd.etsi.asic-s+zip")
        container.write(data, "data.bin")
        container.writestr("META-INF/signature.p7s", signature)
    commands = {
        "data.p7s": ["--detached", str(data)],
        "data.asics": [],
    }
    alone: list[float] = []
    taken: dict[str, list[tuple[float, float, int]]] = {name: [] for name in commands}
    for _ in range(rounds):
        began = time.process_time()
        with data.open("rb") as file:
            assert hashlib.file_digest(file, "sha256").digest() == running.digest()
        alone.append(time.process_time() - began)
        for name, further in commands.items():
            command = [TRUSTWORKS, "validate", str(folder / name), *options, *further]
            taken[name].append(peers.child(command))
    speeds = [megabytes / one for one in alone]
    print(
        f"  {'SHA-256 over the same file (reference)':<52} {max(speeds):10.1f} MB/s  "
        f"median {statistics.median(speeds):.1f}"
    )
    for name, found in taken.items():
        busy = [one[1] for one in found]
        print(
            f"  {name + ': processor time':<52} {min(busy):10.2f} s     median {statistics.median(busy):.2f}"
        )
        shares = [one / other for one, other in zip(alone, busy, strict=True)]  # of the same round
        told(f"{name}: share of the speed of SHA-256", shares, SHARE_OF_SHA256, "", least=True)
        told(f"{name}: memory", [one[2] / 1e6 for one in found], MEMORY, "MB")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--starts", type=int, default=9)
    parser.add_argument("--megabytes", type=int, default=1_000)
    parts = ("formats", "lists", "start", "large")
    parser.add_argument("--only", nargs="+", choices=parts, default=parts)
    parser.add_argument("--quick", action="store_true")
    asked = parser.parse_args()
    if asked.quick:
        asked.files, asked.rounds, asked.starts, asked.megabytes = 3, 1, 1, 20
    house = House()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if "formats" in asked.only:
            formats(house, asked.files, asked.rounds, by_dss=not asked.quick)
        store = lists(folder) if {"lists", "start"} & set(asked.only) and not asked.quick else None
        options = given(house, folder)
        if "start" in asked.only:
            start(house, folder, options, store, asked.starts)
        if "large" in asked.only:
            large(house, folder, options, asked.megabytes, asked.rounds)
    print(f"missed: {', '.join(missed) or 'none'}")
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
