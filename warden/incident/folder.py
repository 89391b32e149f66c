"""The folders of incidents: listed, found by what a person types, bounded in number and size."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Final

import msgspec

from warden.domain.errors import ConfigurationInvalid
from warden.incident.case import ID, Case

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CASE: Final = "incident.json"
REPORT: Final = "report.md"
TIMELINE: Final = "timeline.jsonl"
LATEST: Final = "latest"
_FOLDERS_MAX: Final = 10_000
_CASE_BYTES_MAX: Final = 1024 * 1024
_MB: Final = 1_000_000


def folders(incidents: Path) -> list[Path]:
    """Return the folders of incidents, oldest first; none where there is no such directory."""
    try:
        found = [each for each in incidents.iterdir() if ID.fullmatch(each.name) and each.is_dir()]
    except OSError:
        return []
    return sorted(found)[-_FOLDERS_MAX:]


def read_case(folder: Path) -> Case | None:
    """Return what a folder says of itself; None where it says nothing that is understood."""
    try:
        with (folder / CASE).open("rb") as file:
            case = msgspec.json.decode(file.read(_CASE_BYTES_MAX), type=Case)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None
    return case if case.happenings else None


def cases(incidents: Path) -> Iterator[Case]:
    """Yield every incident that is understood, oldest first."""
    for folder in folders(incidents):
        case = read_case(folder)
        if case is not None:
            yield case


def find(incidents: Path, wanted: str) -> Path:
    """Return the folder that a person means: its id or the beginning of it, a stop's id, or `latest`.

    Raises:
        ConfigurationInvalid: there is none, or more than one.
    """
    known = folders(incidents)
    if wanted == LATEST:
        found = known[-1:]
    else:
        found = [each for each in known if each.name == wanted]
        found = found or [each for each in known if wanted and each.name.startswith(wanted)]
        found = found or [each for each in known if (case := read_case(each)) and wanted in case.stop_ids]
    if len(found) == 1:
        return found[0]
    if not found:
        raise ConfigurationInvalid(f"no incident {wanted[:100]!a}; 'warden incidents' lists what there is")
    some = ", ".join(each.name for each in found[-3:])
    raise ConfigurationInvalid(f"{wanted[:100]!a} is the beginning of {len(found)} incidents, as {some}")


def make_room(incidents: Path, keep: int, keep_mb: int) -> list[str]:
    """Remove what is too much, those without a stop before those with one, oldest first; return their ids.

    The newest stays whatever its size.
    """
    sizes = {each: _bytes_of(each) for each in folders(incidents)}
    newest = max(sizes, default=None)
    goes = sorted(sizes, key=lambda each: (_has_stop(each), each.name))
    removed = []
    for folder in goes:
        if len(sizes) <= keep and sum(sizes.values()) <= keep_mb * _MB:
            break
        if folder == newest:
            continue
        del sizes[folder]
        shutil.rmtree(folder, ignore_errors=True)
        removed.append(folder.name)
    return removed


def _has_stop(folder: Path) -> bool:
    case = read_case(folder)
    return case is not None and bool(case.stop_ids)


def _bytes_of(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.lstat().st_size
        except OSError:
            continue  # gone meanwhile: it takes no room
    return total
