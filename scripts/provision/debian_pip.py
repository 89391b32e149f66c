"""Gets pip from the Debian archive, whose signatures the machine already trusts, without being root."""

from __future__ import annotations

import os
import shutil
import zipfile
from typing import TYPE_CHECKING

from scripts.provision import machine, why
from scripts.provision.child import Progress
from scripts.provision.refusals import SetupError

if TYPE_CHECKING:
    from pathlib import Path

    from scripts.provision.child import Runner
    from scripts.provision.place import Place

PIP = "python3-pip-whl"
CERTIFICATES = "ca-certificates"
SOURCE = "the Debian archive"
LIMIT_S = 600.0


def is_ready(place: Place, runner: Runner) -> bool:
    """Whether pip is there, and certificates for it to trust."""
    return (place.pip / "pip" / "__main__.py").is_file() and not _lacks_certificates(place, runner)


def _lacks_certificates(place: Place, runner: Runner) -> bool:
    return machine.certificates(runner.environment) is None and not place.certificates.is_file()


def ensure(place: Place, runner: Runner) -> None:
    """Put an unpacked pip at `place.pip`, and certificates where the machine has none.

    The package lists are fetched into folders of the clone: a bare machine has none, an ordinary user can't
    fetch the system's, and old ones name files that the archive no longer has.

    Raises:
        SetupError: It could not be fetched, or does not hold what it should.
    """
    if is_ready(place, runner):
        return
    progress = Progress("pip")
    work = place.scratch / "apt"
    shutil.rmtree(work, ignore_errors=True)
    for name in ("lists/partial", "archives/partial"):
        (work / name).mkdir(parents=True)
    options = _options(work)
    wanted = [PIP, *([CERTIFICATES] if _lacks_certificates(place, runner) else [])]
    # An update that fails for one of many sources may still serve: the download decides.
    lists = runner.run(
        "apt-update",
        ["apt-get", *options, "update"],
        limit_s=LIMIT_S,
        on_tick=lambda: progress.show("package lists of Debian"),
    )
    package = runner.run(
        "apt-download",
        ["apt-get", *options, "download", *wanted],
        limit_s=LIMIT_S,
        cwd=work,
        on_tick=lambda: progress.show(" ".join(wanted)),
    )
    if package.status != 0:
        progress.clear()
        failed, log = (lists, "apt-update") if _failed(lists.output) else (package, "apt-download")
        raise why.refusal(failed, SOURCE, runner.logs / f"{log}.log")
    if CERTIFICATES in wanted:
        _bundle_certificates(place, runner, work)
    _unpack_pip(place, runner, work)
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


def _unpack(runner: Runner, work: Path, package: str) -> Path:
    """Unpack a fetched package beside itself; nothing of it is run."""
    found = next(work.glob(f"{package}_*.deb"))
    target = work / package
    done = runner.run(f"dpkg-deb-{package}", ["dpkg-deb", "-x", found, target], limit_s=LIMIT_S)
    if done.status != 0:
        raise why.refusal(done, SOURCE, runner.logs / f"dpkg-deb-{package}.log")
    return target


def _unpack_pip(place: Place, runner: Runner, work: Path) -> None:
    """Take the wheel out of the package, and pip out of the wheel, and move it into place in one step."""
    wheels = list(_unpack(runner, work, PIP).glob("usr/share/python-wheels/pip-*.whl"))
    if len(wheels) != 1:
        raise SetupError(f"{PIP} from {SOURCE} does not hold one wheel of pip ({runner.logs})")
    with zipfile.ZipFile(wheels[0]) as wheel:
        wheel.extractall(work / "pip")
    shutil.rmtree(place.pip, ignore_errors=True)
    (work / "pip").replace(place.pip)


def _bundle_certificates(place: Place, runner: Runner, work: Path) -> None:
    """Join the certificates that Debian trusts into one file, as installing the package would."""
    found = sorted(_unpack(runner, work, CERTIFICATES).glob("usr/share/ca-certificates/mozilla/*.crt"))
    if not found:
        raise SetupError(f"{CERTIFICATES} from {SOURCE} holds no certificates ({runner.logs})")
    joined = work / "joined.crt"
    joined.write_text("\n".join(path.read_text() for path in found))
    joined.replace(place.certificates)
