"""Set-up of a clone, for real and without a network: a small clone, its packages in a directory beside it."""

from __future__ import annotations

import base64
import fcntl
import hashlib
import os
import shutil
import subprocess
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from scripts.provision import stamp
from scripts.provision.place import Place

REPOSITORY = Path(__file__).resolve().parents[2]
LIMIT_S = 120

PYPROJECT = """
[project]
name = "warden"
version = "{version}"
description = "a small clone"
requires-python = ">=3.11"
dependencies = ["first"]

[project.scripts]
warden = "warden.cli.main:main"
"""


@dataclass
class Clone:
    """A clone with our set-up, one small dependency, and a chain node that is already there."""

    place: Place
    index: Path

    def wheel(self, name: str, version: str) -> str:
        """Put a wheel into the package directory; gives the line that a lock has for it."""
        target = self.index / f"{name}-{version}-py3-none-any.whl"
        info = f"{name}-{version}.dist-info"
        files = {
            f"{name}.py": f"VERSION = {version!r}\n",
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
            f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        }
        record = "".join(f"{path},{_record(text)},{len(text)}\n" for path, text in files.items())
        with zipfile.ZipFile(target, "w") as wheel:
            for path, text in {**files, f"{info}/RECORD": f"{record}{info}/RECORD,,\n"}.items():
                wheel.writestr(path, text)
        return f"{name}=={version} --hash=sha256:{hashlib.sha256(target.read_bytes()).hexdigest()}\n"

    def lock(self, *lines: str) -> None:
        """Write the lock of the set `warden`."""
        self.place.lock_file("warden").write_text("".join(lines))

    def environment(self) -> dict[str, str]:
        """Variables that keep pip to the package directory, whatever this machine's settings say."""
        return {
            "HOME": str(self.index),
            "PATH": os.environ["PATH"],
            "PIP_CONFIG_FILE": "/dev/null",
            "PIP_FIND_LINKS": str(self.index),
            "PIP_NO_INDEX": "1",
        }

    def set_up(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `scripts/setup` in the clone."""
        return subprocess.run(
            [self.place.root / "scripts" / "setup", *(arguments or ["warden"])],
            env=self.environment(),
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=LIMIT_S,
            check=False,
        )

    def asks(self, code: str) -> str:
        """What the clone's Python prints for `code`."""
        done = subprocess.run(
            [self.place.python, "-P", "-c", code], capture_output=True, text=True, check=True
        )
        return done.stdout.strip()


def _record(text: str) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    """A clone at a path with a blank in it, with version 1.0 of its one dependency locked."""
    pip = REPOSITORY / ".setup" / "pip"
    if not pip.is_dir():
        pytest.fail("this test needs the pip that set-up fetched: scripts/setup dev", pytrace=False)
    place = Place(tmp_path / "my clone")
    (tmp_path / "index").mkdir()
    shutil.copytree(
        REPOSITORY / "scripts", place.root / "scripts", ignore=shutil.ignore_patterns("__pycache__")
    )
    place.setup.mkdir()
    place.pip.symlink_to(pip)
    for name in ("package.json", "package-lock.json"):
        for directory in (place.npm_source, place.npm):
            directory.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / "warden" / "devnet" / "npm" / name, directory)
    place.anvil.parent.mkdir(parents=True)
    place.anvil.write_text("#!/bin/sh\necho a chain node\n")
    place.anvil.chmod(0o755)
    main = place.root / "warden" / "cli" / "main.py"
    main.parent.mkdir(parents=True)
    main.write_text("import first\n\ndef main():\n    print('warden on', first.VERSION)\n")
    (place.root / "pyproject.toml").write_text(PYPROJECT.format(version="0.1.0"))
    (place.root / "locks").mkdir()
    shutil.copy(REPOSITORY / "locks" / "sizes.json", place.root / "locks")
    made = Clone(place, tmp_path / "index")
    made.lock(made.wheel("first", "1.0"))
    return made


def test_a_set_up_clone_runs_its_own_code(clone: Clone) -> None:
    """Set-up says what it will do and makes the command, which runs the clone's code, changed or not."""
    done = clone.set_up()
    assert (done.returncode, done.stderr) == (0, "")
    assert "1 in place" in done.stdout
    assert done.stdout.index("MB") < done.stdout.index("in place")
    command = clone.place.venv / "bin" / "warden"
    assert subprocess.check_output([command], text=True) == "warden on 1.0\n"
    (clone.place.root / "warden" / "cli" / "main.py").write_text("def main():\n    print('changed')\n")
    assert subprocess.check_output([command], text=True) == "changed\n"
    assert clone.asks("from importlib.metadata import version; print(version('warden'))") == "0.1.0"


def test_a_second_set_up_does_nothing(clone: Clone) -> None:
    """With nothing changed a later run starts no program and says nothing, so it needs no network."""
    clone.set_up()
    shutil.rmtree(clone.index)
    clone.place.pip.unlink()
    shutil.rmtree(clone.place.logs)
    done = clone.set_up()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not clone.place.logs.exists()
    assert not clone.place.scratch.exists()


def test_a_changed_lock_updates_and_removes(clone: Clone) -> None:
    """A new version comes in, and a package that only the old lock named goes."""
    clone.lock(clone.wheel("first", "1.0"), clone.wheel("second", "1.0"))
    assert clone.set_up().returncode == 0
    assert clone.asks("import second; print(second.VERSION)") == "1.0"
    clone.lock(clone.wheel("first", "2.0"))
    assert clone.set_up().returncode == 0
    assert clone.asks("import first; print(first.VERSION)") == "2.0"
    assert clone.asks("import importlib.util as u; print(u.find_spec('second'))") == "None"


def test_a_cut_short_environment_is_made_anew(clone: Clone) -> None:
    """When the last change of the environment did not end, nothing of it is trusted."""
    clone.set_up()
    left = next((clone.place.venv / "lib").glob("python3.*")) / "site-packages" / "half-written.py"
    left.write_text("")
    clone.place.unfinished.touch()
    assert clone.set_up().returncode == 0
    assert not left.exists()
    assert not clone.place.unfinished.exists()
    assert clone.asks("import first; print(first.VERSION)") == "1.0"


def test_a_moved_clone_is_set_up_again(clone: Clone) -> None:
    """Launchers hold the clone's path; after a move they are made for the new one."""
    clone.set_up()
    moved = Clone(Place(clone.place.root.with_name("moved")), clone.index)
    clone.place.root.rename(moved.place.root)
    assert moved.set_up().returncode == 0
    assert subprocess.check_output([moved.place.venv / "bin" / "warden"], text=True) == "warden on 1.0\n"
    assert moved.asks("import warden; print(*warden.__path__)") == str(moved.place.root / "warden")


def test_an_environment_that_someone_made_is_taken_over(clone: Clone) -> None:
    """A working environment of this clone without a stamp is brought up to date, not thrown away."""
    clone.set_up()
    own = next((clone.place.venv / "lib").glob("python3.*")) / "site-packages" / "my_tool.py"
    own.write_text("")
    clone.place.stamp.unlink()
    assert clone.set_up().returncode == 0
    assert own.exists()


def test_a_file_with_another_hash_is_refused(clone: Clone) -> None:
    """Nothing of a package whose hash is not the locked one is used, and a run after the mend goes on."""
    line = clone.wheel("first", "1.0")
    clone.lock(f"first==1.0 --hash=sha256:{'0' * 64}\n")
    done = clone.set_up()
    assert done.returncode == 1
    assert "whose hash is not the locked one" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (clone.place.venv / "bin" / "warden").exists()
    clone.lock(line)
    assert clone.set_up().returncode == 0


def test_a_lock_that_lacks_a_dependency_is_refused(clone: Clone) -> None:
    """What `pyproject.toml` asks for and the lock does not bring is named."""
    clone.lock(clone.wheel("second", "1.0"))
    done = clone.set_up()
    assert done.returncode == 1
    assert "requires first" in done.stderr
    assert stamp.read(clone.place) is None


def test_two_set_ups_take_turns(clone: Clone) -> None:
    """A second set-up says that it waits, and for whom, and gives up in one line when its wait is over."""
    clone.place.setup.mkdir(exist_ok=True)
    with (clone.place.setup / "lock").open("w") as held:
        held.write("4711\n")
        held.flush()
        fcntl.flock(held, fcntl.LOCK_EX)
        done = clone.set_up("warden", "--wait-s", "0.3")
    assert done.returncode == 1
    assert "(process 4711) is running; waiting up to" in done.stdout
    assert len(done.stderr.splitlines()) == 1
    assert "still running" in done.stderr


def test_set_ups_side_by_side_both_succeed(clone: Clone) -> None:
    """Started together in one clone, one works and the other finds the work done."""
    command: list[str | Path] = [clone.place.root / "scripts" / "setup", "warden"]
    both = [
        subprocess.Popen(command, env=clone.environment(), stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    outputs = [run.communicate(timeout=LIMIT_S)[0] for run in both]
    assert [run.returncode for run in both] == [0, 0]
    assert sum("ready on Python" in output for output in outputs) == 1


def test_wrong_usage_is_one_clear_line(clone: Clone) -> None:
    """An unknown set of packages is refused with what there is."""
    done = clone.set_up("everything")
    assert done.returncode == 2
    assert "invalid choice: 'everything'" in done.stderr
