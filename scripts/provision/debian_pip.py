"""Gets pip from the Debian archive, whose signatures the machine already trusts, without being root."""

from __future__ import annotations

import os
import shutil
import zipfile
from typing import TYPE_CHECKING

from scripts.provision import why
from scripts.provision.child import Progress
from scripts.provision.refusals import SetupError

if TYPE_CHECKING:
    from pathlib import Path

    from scripts.provision.child import Runner
    from scripts.provision.place import Place

PACKAGE = "python3-pip-whl"
SOURCE = "the Debian archive"
LIMIT_S = 600.0


def ensure(place: Place, runner: Runner) -> None:
    """Put an unpacked pip at `place.pip`; nothing to do when there is one.

    The package lists are fetched into folders of the clone: a bare machine has none, an ordinary user can't
    fetch the system's, and old ones name files that the archive no longer has.

    Raises:
        SetupError: It could not be fetched, or does not hold what it should.
    """
    if (place.pip / "pip" / "__main__.py").is_file():
        return
    progress = Progress("pip")
    work = place.scratch / "apt"
    shutil.rmtree(work, ignore_errors=True)
    for name in ("lists/partial", "archives/partial"):
        (work / name).mkdir(parents=True)
    options = _options(work)
    # An update that fails for one of many sources may still serve: the download decides.
    lists = runner.run(
        "apt-update",
        ["apt-get", *options, "update"],
        limit_s=LIMIT_S,
        on_tick=lambda: progress.show("package lists of Debian"),
    )
    package = runner.run(
        "apt-download",
        ["apt-get", *options, "download", PACKAGE],
        limit_s=LIMIT_S,
        cwd=work,
        on_tick=lambda: progress.show(PACKAGE),
    )
    if package.status != 0:
        progress.clear()
        failed, log = (lists, "apt-update") if _failed(lists.output) else (package, "apt-download")
        raise why.refusal(failed, SOURCE, runner.logs / f"{log}.log")
    _unpack(place, runner, work)
    shutil.rmtree(work, ignore_errors=True)
    progress.end("ready")


def _options(work: Path) -> list[str]:
    settings = {
        "Dir::State::lists": str(work / "lists"),
        "Dir::Cache": str(work),
        "Dir::Cache::archives": str(work / "archives"),
        "Dir::State::status": "/var/lib/dpkg/status",
        "Acquire::Languages": "none",
        "Acquire::Retries": "2",
        "Acquire::http::Timeout": "30",
        "Acquire::https::Timeout": "30",
        # As root apt would drop to a user who can't write here.
        "APT::Sandbox::User": "root" if os.geteuid() == 0 else "",
    }
    return [part for name, value in settings.items() if value for part in ("-o", f"{name}={value}")]


def _failed(output: str) -> bool:
    return any(line.startswith(("E:", "W: Failed", "Err:")) for line in output.splitlines())


def _unpack(place: Place, runner: Runner, work: Path) -> None:
    """Take the wheel out of the package, and pip out of the wheel, and move it into place in one step."""
    package = next(work.glob(f"{PACKAGE}_*.deb"))
    done = runner.run("dpkg-deb", ["dpkg-deb", "-x", package, work / "package"], limit_s=LIMIT_S)
    wheels = list((work / "package").glob("usr/share/python-wheels/pip-*.whl"))
    if done.status != 0 or len(wheels) != 1:
        raise SetupError(f"{package.name} from {SOURCE} does not hold one wheel of pip ({runner.logs})")
    with zipfile.ZipFile(wheels[0]) as wheel:
        wheel.extractall(work / "pip")
    shutil.rmtree(place.pip, ignore_errors=True)
    (work / "pip").replace(place.pip)
