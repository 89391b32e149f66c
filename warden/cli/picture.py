"""One picture of an instance: what it says of itself, completed by who runs according to the machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from warden.cli.running import SUPERVISORD, Running, running
from warden.domain.errors import ConfigurationInvalid
from warden.operator.link import Link, Snapshot
from warden.operator.picture import ProcessView, SystemView
from warden.operator.view import build_view

if TYPE_CHECKING:
    from pathlib import Path

HEARD_WITHIN_MS: Final = 1_200


class Picture(msgspec.Struct, frozen=True):
    """What is known. `found` are the instance's processes by the machine, supervisord among them."""

    view: SystemView
    found: tuple[Running, ...]
    snapshot: Snapshot


def take_picture(home: Path) -> Picture:
    """Return how the instance at `home` stands, after 1.2 s at most; at once when nothing runs.

    Raises:
        ConfigurationInvalid: there is no instance at `home`.
    """
    found = running(home)
    with _link(home) as link:
        snapshot = link.gather(HEARD_WITHIN_MS if found else 0)
        view = build_view(snapshot, link.clock.boot_ns())
    return Picture(view=_completed(view, found), found=tuple(found), snapshot=snapshot)


def _link(home: Path) -> Link:
    try:
        return Link(home)
    except ConfigurationInvalid as error:
        if (home / "keys").is_dir():
            raise
        raise ConfigurationInvalid(f"{home} holds no instance yet: start one with 'warden up'") from error


def _completed(view: SystemView, found: list[Running]) -> SystemView:
    """Name the processes that run and that nobody has told of; say which told of do not run."""
    pids = {each.name: each.pid for each in found if each.name != SUPERVISORD}
    lines = []
    for line in view.processes:
        if line.stale and line.name not in pids:
            lines.append(msgspec.structs.replace(line, pid=0, state="not running"))
        else:
            lines.append(line if line.pid else msgspec.structs.replace(line, pid=pids.get(line.name, 0)))
    told = {line.name for line in view.processes}
    lines += [
        ProcessView(
            name=name,
            pid=pid,
            state="silent",
            age_ms=None,
            stale=True,
            progress=0,
            pss_mb=0.0,
            cpu_percent=0.0,
        )
        for name, pid in pids.items()
        if name not in told
    ]
    return msgspec.structs.replace(view, processes=tuple(lines))
