"""The register's tables and all SQL on them, and how an entry is written in one."""

from trustworks.assurance.records.encoding import decode, encode, encode_facts
from trustworks.assurance.records.naming import differences, identify
from trustworks.assurance.records.tables import (
    EntryKind,
    File,
    Version,
    add_file,
    catalogued,
    entries,
    file,
    files,
    find,
    history,
    newest,
    replace_catalogue,
    write,
    written_by_others,
)

__all__ = [
    "EntryKind",
    "File",
    "Version",
    "add_file",
    "catalogued",
    "decode",
    "differences",
    "encode",
    "encode_facts",
    "entries",
    "file",
    "files",
    "find",
    "history",
    "identify",
    "newest",
    "replace_catalogue",
    "write",
    "written_by_others",
]
