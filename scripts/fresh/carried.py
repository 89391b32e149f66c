"""What of the host a bare Debian needs in order to reach the network as the host does.

A host behind a proxy, or with certificates of its own, has told its tools so: in variables, in apt's
configuration, in the bundle of certificates. That is carried over; nothing else is.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

RELEASE = "bookworm"
CA_BUNDLE = Path("etc/ssl/certs/ca-certificates.crt")
VARIABLES = re.compile(
    r"(?i)((http|https|ftp|all|no)_proxy"
    r"|\w*_(CERT|CERTS|CERT_FILE|CERT_DIR|CAINFO|CA_BUNDLE)"
    r"|PIP_(INDEX_URL|EXTRA_INDEX_URL|DEFAULT_TIMEOUT|PROXY|TRUSTED_HOST|RETRIES)"
    r"|NPM_CONFIG_(REGISTRY|PROXY|HTTPS_PROXY|CAFILE)|NODE_USE_SYSTEM_CA)"
)
LIMIT_S = 60


def variables(root: Path) -> dict[str, str]:
    """The host's variables about the network, without those that name a file that `root` has not."""
    found = {name: value for name, value in os.environ.items() if VARIABLES.fullmatch(name) and value}
    return {
        name: value
        for name, value in found.items()
        if not value.startswith("/") or (root / value.lstrip("/")).exists()
    }


def carry(root: Path) -> None:
    """Put the host's way to the network into the file system at `root`."""
    for name in ("etc/resolv.conf", "etc/hosts", str(CA_BUNDLE)):
        source = Path("/") / name
        if source.is_file():
            (root / name).unlink(missing_ok=True)
            shutil.copyfile(source, root / name)
    how = _output("apt-config", "dump", "Acquire")
    (root / "etc/apt/apt.conf.d/00carried").write_text(how)
    if _host_release() == RELEASE:
        for name in ("sources.list", "sources.list.d"):
            _replace(Path("/etc/apt") / name, root / "etc/apt" / name)


def mirror() -> str | None:
    """The archive that the host's apt takes Debian 12 from; None when it takes none."""
    wanted = ["Created-By: Packages", "Component: main", f"Codename: {RELEASE}"]
    found = _output("apt-get", "indextargets", "--format", "$(REPO_URI)", *wanted).split()
    return found[0] if found else None


def _host_release() -> str:
    text = Path("/etc/os-release").read_text()
    match = re.search(r"^VERSION_CODENAME=(\S+)$", text, flags=re.MULTILINE)
    return match[1] if match else ""


def _replace(source: Path, target: Path) -> None:
    if target.is_dir():
        shutil.rmtree(target)
    else:
        target.unlink(missing_ok=True)
    if source.is_dir():
        shutil.copytree(source, target)
    elif source.is_file():
        shutil.copyfile(source, target)


def _output(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    return done.stdout if done.returncode == 0 else ""
