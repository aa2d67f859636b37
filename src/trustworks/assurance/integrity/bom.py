"""Bills of materials of software and of cryptography, as CycloneDX 1.6 writes them in JSON.

The same input gives the same octets: there is no time in them, and the serial number follows from the rest.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid5

from trustworks.core.module.algorithms import DEFAULT_SCHEME, KeyAlgorithm, SignatureScheme
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from importlib.metadata import Distribution

    from trustworks.assurance.integrity.identity import ProductIdentity
    from trustworks.core.keys.model import KeyEntry
    from trustworks.core.module.certified import Certification

PRODUCT: Final = "trustworks"
_NAMESPACE: Final = UUID("5b1f3d0e-6c5a-5f0c-9a35-0d2f4f1c7a11")  # of these documents, drawn once
_REQUIRED: Final = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[([^\]]*)\])?[^;]*(?:;(.*))?")
_EXTRA: Final = re.compile(r"""extra\s*==\s*['"]([^'"]+)['"]""")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleOfKeys:
    """A cryptographic module that keys are in: the token's name, and what the configuration declares."""

    token: str
    software: bool
    library: str
    library_sha256: str
    certification: Certification | None = None


def software_bom(product: ProductIdentity) -> dict[str, Any]:
    """The software that the product consists of: itself, and all installed packages that it needs."""
    found = _needed(PRODUCT)
    components = [_package(one) for name, (one, _) in sorted(found.items()) if name != PRODUCT]
    references = {name: _reference(one) for name, (one, _) in found.items()}
    dependencies = [
        {"ref": references[name], "dependsOn": sorted(references[one] for one in needs)}
        for name, (_, needs) in sorted(found.items())
    ]
    return _document(product, components, dependencies)


def cryptography_bom(
    product: ProductIdentity, modules: Sequence[ModuleOfKeys] = (), keys: Iterable[KeyEntry] = ()
) -> dict[str, Any]:
    """The cryptography of the product: how it signs, and of an installation its modules and keys.

    A module's certification is what the configuration declares; software is none, whatever is declared.
    """
    levels = sorted({level for one in modules for level in certification_levels(one)}) or ["unknown"]
    where = {"software-plain-ram" if one.software else "hardware" for one in modules}
    place = where.pop() if len(where) == 1 else "unknown" if not where else "other"
    components = [
        _algorithm(algorithm, scheme, levels, place)
        for algorithm in KeyAlgorithm
        for scheme in SignatureScheme
        if scheme.family == algorithm.family
        and (scheme.padding != "ecdsa" or scheme == DEFAULT_SCHEME[algorithm])
    ]
    components += [_module(one) for one in sorted(modules, key=lambda one: one.token)]
    components += [_key(one) for one in sorted(keys, key=lambda one: one.spki_sha256)]
    return _document(product, components, [])


def as_octets(document: Mapping[str, Any]) -> bytes:
    """A bill as a file has it."""
    return (json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


@implements("TRUSTWORKS:ASSURANCE-RELEASE-BOM", disabled=("none",))
def certification_levels(module: ModuleOfKeys) -> tuple[str, ...]:
    """What CycloneDX calls the levels that a module is certified for."""
    found, certified = [], module.certification
    if module.software or certified is None:
        return ("none",) if module.software else ("unknown",)
    if certified.fips_140_2 is not None:
        found.append(f"fips140-2-l{certified.fips_140_2}")
    if certified.fips_140_3 is not None:
        found.append(f"fips140-3-l{certified.fips_140_3}")
    if certified.cc_eal is not None:
        found.append(f"cc-eal{certified.cc_eal}")
    return tuple(found) or ("unknown",)


def _document(product: ProductIdentity, components: list[Any], dependencies: list[Any]) -> dict[str, Any]:
    root = _package(distribution(PRODUCT)) | {
        "type": "application",
        "properties": [{"name": "trustworks:build", "value": product.build}]
        + ([] if product.manifest is None else [{"name": "trustworks:manifest", "value": product.manifest}]),
    }
    document: dict[str, Any] = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": root},
        "components": components,
    }
    if dependencies:
        document["dependencies"] = dependencies
    return document | {"serialNumber": f"urn:uuid:{uuid5(_NAMESPACE, as_octets(document).decode())}"}


# Software


def _needed(root: str) -> dict[str, tuple[Distribution, set[str]]]:
    """The installed packages that `root` needs, by their normal names, with those that each needs."""
    found: dict[str, tuple[Distribution, set[str]]] = {}
    extras: dict[str, set[str]] = {root: set()}
    waiting = [root]
    while waiting:
        name = waiting.pop()
        try:
            package = found[name][0] if name in found else distribution(name)
        except PackageNotFoundError:
            continue  # for another system, or another version of Python
        needs = found.setdefault(name, (package, set()))[1]
        for text in package.requires or ():
            needed = _requirement(text, extras[name])
            if needed is None or not _is_installed(needed[0]):
                continue
            needs.add(needed[0])
            if needed[0] not in extras or not needed[1] <= extras[needed[0]]:
                extras[needed[0]] = extras.get(needed[0], set()) | needed[1]
                waiting.append(needed[0])
    return found


def _requirement(text: str, extras: set[str]) -> tuple[str, set[str]] | None:
    """Name and extras of what is required; None for what only another extra asks for."""
    match = _REQUIRED.match(text)
    if match is None:
        return None
    asked = set(_EXTRA.findall(match[3] or ""))
    if asked and not asked & extras:
        return None
    return _normal(match[1]), {one.strip() for one in (match[2] or "").split(",") if one.strip()}


def _is_installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _reference(package: Distribution) -> str:
    return f"pkg:pypi/{_normal(package.metadata['Name'])}@{package.version}"


def _package(package: Distribution) -> dict[str, Any]:
    metadata = package.metadata
    found: dict[str, Any] = {
        "type": "library",
        "bom-ref": _reference(package),
        "name": metadata["Name"],
        "version": package.version,
        "purl": _reference(package),
    }
    if summary := _text(package, "Summary"):
        found["description"] = summary
    if expression := _text(package, "License-Expression"):
        found["licenses"] = [{"expression": expression}]
    elif names := _licences(package):
        found["licenses"] = [{"license": {"name": name}} for name in names]
    return found


def _licences(package: Distribution) -> list[str]:
    """The names of licences, as old metadata have them: by classifiers, else in the first line of a text."""
    classified = [
        one.rpartition(" :: ")[2]
        for one in package.metadata.get_all("Classifier", [])
        if one.startswith("License :: ")
    ]
    text = _text(package, "License").strip().split("\n")[0]
    return sorted(set(classified)) or ([text] if text else [])


def _text(package: Distribution, name: str) -> str:
    """A member of the metadata; empty where there is none."""
    return next(iter(package.metadata.get_all(name, [])), "")


# Cryptography


def _algorithm(
    algorithm: KeyAlgorithm, scheme: SignatureScheme, levels: Sequence[str], place: str
) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "primitive": "signature",
        "parameterSetIdentifier": algorithm.value,
        "executionEnvironment": place,
        "certificationLevel": list(levels),
        "cryptoFunctions": ["keygen", "sign", "verify"],
    }
    if algorithm.family != "rsa":
        properties["curve"] = algorithm.value
    if scheme.padding == "rsa-pkcs1":
        properties["padding"] = "pkcs1v15"
    elif scheme.padding == "rsa-pss":
        properties["padding"] = "other"  # CycloneDX 1.6 has no name for PSS
    return {
        "type": "cryptographic-asset",
        "bom-ref": _algorithm_reference(algorithm, scheme),
        "name": f"{scheme.name} with {algorithm.value}",
        "cryptoProperties": {"assetType": "algorithm", "algorithmProperties": properties},
    }


def _algorithm_reference(algorithm: KeyAlgorithm, scheme: SignatureScheme) -> str:
    return f"algorithm:{scheme.name}:{algorithm.value}"


def _module(module: ModuleOfKeys) -> dict[str, Any]:
    properties = [
        ("token", module.token),
        ("kind", "software, for tests" if module.software else "as the operator declares"),
        *(("certification-level", one) for one in certification_levels(module)),
    ]
    if module.certification is not None:
        properties += [("certificate", one) for one in module.certification.certificates]
        properties += [("protection-profile", one) for one in module.certification.protection_profiles]
    return {
        "type": "library",
        "bom-ref": f"module:{module.token}",
        "name": module.library,
        "description": "The PKCS#11 library that reaches the cryptographic module of this token.",
        "hashes": [{"alg": "SHA-256", "content": module.library_sha256}],
        "properties": [{"name": f"trustworks:module:{name}", "value": value} for name, value in properties],
    }


_STATES: Final = {
    "pre-operational": "pre-activation",
    "operational": "active",
    "suspended": "suspended",
    "deactivated": "deactivated",
    "destroyed": "destroyed",
}


def _key(key: KeyEntry) -> dict[str, Any]:
    material: dict[str, Any] = {
        "type": "private-key",
        "id": key.spki_sha256,
        "state": _STATES[key.state.value],
        "creationDate": key.entered_at.isoformat(),
    }
    kinds = {one.value: one for one in KeyAlgorithm}
    if (algorithm := kinds.get(key.algorithm)) is not None:
        material["algorithmRef"] = _algorithm_reference(algorithm, DEFAULT_SCHEME[algorithm])
    return {
        "type": "cryptographic-asset",
        "bom-ref": f"key:{key.spki_sha256}",
        "name": key.label,
        "cryptoProperties": {
            "assetType": "related-crypto-material",
            "relatedCryptoMaterialProperties": material,
        },
    }
