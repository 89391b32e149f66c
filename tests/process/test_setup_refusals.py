"""What set-up refuses: each time one clear line, and nothing fetched."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from scripts.provision import machine, why
from scripts.provision.child import Finished
from scripts.provision.place import Place
from scripts.provision.refusals import FetchFailed, MachineLacks, SetupError
from tests.needs import need_root, need_tool

REPOSITORY = Path(__file__).resolve().parents[2]
LIMIT_S = 60
LOG = Path("some.log")
# Covered in a mount namespace of its own: nobody else sees it, and any user may go there.
DISK = Path("/mnt")


@pytest.mark.parametrize(("system", "architecture"), [("Linux", "aarch64"), ("Darwin", "x86_64")])
def test_another_architecture_is_refused(system: str, architecture: str) -> None:
    """A machine for which the lock has no chain node is named, with what is needed."""
    with pytest.raises(MachineLacks, match=rf"{system} on {architecture}.*x86_64 only"):
        machine.refuse_architecture(architecture, system)


def test_this_architecture_passes() -> None:
    """64-bit x86 Linux is what the locks are for."""
    machine.refuse_architecture("x86_64", "Linux")  # raises nothing


def test_too_little_room_is_refused_with_how_much(tmp_path: Path) -> None:
    """The line says what is free, what is needed, and how much to free."""
    free_mb = shutil.disk_usage(tmp_path).free // machine.MB
    with pytest.raises(MachineLacks, match=r"MB free and set-up needs \d+ MB: free \d+ MB or clone"):
        machine.refuse_disk(tmp_path, free_mb * 2 + 1000)
    machine.refuse_disk(tmp_path, 1)


def test_a_machine_without_apt_is_refused(tmp_path: Path) -> None:
    """Set-up names the tool that it misses, and the systems that have it."""
    with pytest.raises(MachineLacks, match=r"apt-get not found.*Debian"):
        machine.refuse_tools({"PATH": str(tmp_path)})


def test_no_python_is_refused(tmp_path: Path) -> None:
    """The launcher itself says which Python is needed when it finds none that is new enough."""
    for name in ("dirname", "bash"):
        (tmp_path / name).symlink_to(need_tool(name))
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    script = tmp_path / "scripts" / "setup"
    script.parent.mkdir()
    text = (REPOSITORY / "scripts" / "setup").read_text()
    script.write_text(text.replace("/usr/bin/python3", str(old)))
    done = subprocess.run(
        [tmp_path / "bash", script], env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith("warden set-up: no Python 3.11 or later found: apt-get install python3")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("output", "error", "said"),
    [
        ("Temporary failure resolving 'a.example'", FetchFailed, "its name is not found"),
        ("npm error code EAI_AGAIN", FetchFailed, "its name is not found"),
        (
            "[SSL: CERTIFICATE_VERIFY_FAILED] self-signed certificate",
            FetchFailed,
            "certificate is not trusted",
        ),
        ("ConnectTimeoutError: timed out", FetchFailed, "no answer in time"),
        ("ECONNREFUSED 127.0.0.1:1", FetchFailed, "the connection was refused"),
        (
            "npm error ECONNREFUSED\nnpm error If you are behind a proxy",
            FetchFailed,
            "connection was refused",
        ),
        ("ProxyError('Cannot connect to proxy.', 407)", FetchFailed, "the proxy refused"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES", FetchFailed, "hash is not the locked one"),
        ("OSError: [Errno 28] No space left on device", MachineLacks, "no space left"),
        ("fine so far\nERROR: something else\nat length", SetupError, "ERROR: something else"),
        ("", SetupError, "no output"),
    ],
)
def test_a_failed_child_is_explained(output: str, error: type[SetupError], said: str) -> None:
    """The cause is told in words, by the kind of place that failed, with the log's path."""
    told = why.refusal(Finished(1, output), "the Python package index", LOG)
    assert isinstance(told, error)
    assert said in str(told)
    assert "the Python package index" in str(told)
    assert "\n" not in str(told)


def test_a_child_that_never_ends_is_given_up() -> None:
    """Taking too long is its own cause."""
    assert "took too long" in str(why.refusal(Finished(None, "10 %"), "the npm registry", LOG))


def test_certificates_that_a_variable_names_come_first(tmp_path: Path) -> None:
    """Who has certificates of their own says so by a variable; a file that is not there does not count."""
    own = tmp_path / "own.crt"
    own.touch()
    assert machine.certificates({"SSL_CERT_FILE": str(own)}) == own
    assert machine.certificates({"PIP_CERT": str(tmp_path / "gone"), "SSL_CERT_FILE": str(own)}) == own


def _copy(root: Path) -> Place:
    """A clone with what set-up reads, and nothing set up."""
    place = Place(root)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(REPOSITORY / "scripts", root / "scripts", ignore=ignored)
    shutil.copytree(REPOSITORY / "locks", root / "locks")
    shutil.copytree(REPOSITORY / "warden" / "devnet" / "npm", place.npm_source)
    shutil.copy(REPOSITORY / "pyproject.toml", root)
    return place


def _on_own_disk(
    tmp_path: Path, options: str, *, entered: tuple[str, ...] = (), after: str = "true"
) -> tuple[int, str]:
    """Run set-up in a copy that lies on a small disk of its own, seen by nobody else.

    Args:
        tmp_path: Where the copy is made.
        options: Mount options of the disk.
        entered: Words before set-up, such as those that change the user.
        after: A command between the copy and set-up.

    Returns:
        The status, and what was written to standard error.
    """
    need_root()
    _copy(tmp_path / "copy")
    words = [need_tool("mount"), "-t", "tmpfs", "-o", options, "tmpfs", str(DISK)]
    setup = [*entered, "bash", str(DISK / "copy" / "scripts" / "setup"), "warden"]
    script = " && ".join(
        [
            shlex.join(words),
            shlex.join(["cp", "-r", str(tmp_path / "copy"), str(DISK)]),
            after,
            f"exec {shlex.join(setup)}",
        ]
    )
    done = subprocess.run(
        [need_tool("unshare"), "--mount", "--net", "sh", "-c", script],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    return done.returncode, done.stderr


@pytest.mark.system
def test_a_full_disk_is_refused_before_anything_is_fetched(tmp_path: Path) -> None:
    """On a disk of 100 MB set-up stops at once; it has no network here, so it can't have tried."""
    status, said = _on_own_disk(tmp_path, "size=100m,mode=755")
    assert status == 2
    assert "MB free and set-up needs" in said
    assert len(said.splitlines()) == 1


@pytest.mark.system
def test_a_disk_from_which_nothing_runs_is_refused(tmp_path: Path) -> None:
    """On a disk mounted noexec the line says so, and what to do."""
    status, said = _on_own_disk(tmp_path, "size=2g,noexec,mode=755")
    assert status == 2
    assert "noexec" in said
    assert len(said.splitlines()) == 1


@pytest.mark.system
def test_a_clone_of_another_user_is_refused(tmp_path: Path) -> None:
    """An ordinary user in root's clone is told that it is not theirs."""
    nobody = (need_tool("setpriv"), "--reuid=65534", "--regid=65534", "--clear-groups")
    status, said = _on_own_disk(tmp_path, "size=2g,mode=755", entered=nobody)
    assert status == 2
    assert "Permission denied" in said
    assert len(said.splitlines()) == 1


@pytest.mark.system
def test_a_read_only_clone_is_refused(tmp_path: Path) -> None:
    """A disk that can't be written is named as such."""
    after = shlex.join([need_tool("mount"), "-o", "remount,ro", str(DISK)])
    status, said = _on_own_disk(tmp_path, "size=2g,mode=755", after=after)
    assert status == 2
    assert "Read-only file system" in said
    assert len(said.splitlines()) == 1


@pytest.mark.system
def test_no_network_is_one_line(tmp_path: Path) -> None:
    """Without a network set-up ends with what could not be reached, and exit code 1: try again."""
    status, said = _on_own_disk(tmp_path, "size=2g,mode=755")
    assert status == 1
    assert "the Debian archive could not be reached" in said
    assert len(said.splitlines()) == 1


def test_a_clone_that_can_not_be_written_is_refused(tmp_path: Path) -> None:
    """Set-up's folder can't be made where a file of that name stands."""
    (tmp_path / ".setup").write_text("in the way")
    with pytest.raises(MachineLacks, match=rf"cannot write in .*user {os.geteuid()}"):
        machine.refuse_directory(Place(tmp_path))
