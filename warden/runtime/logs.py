"""Every process's own log file, JSON lines, through loguru; a level word and a stable kind on each line."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any, Final

import msgspec
from loguru import logger

if TYPE_CHECKING:
    from pathlib import Path

_ROTATE_AT: Final = "20 MB"
_KEEP: Final = 5
# What follows the host of a URL, or stands before it as credentials, may be a key.
_URL: Final = re.compile(r"(https?|wss?)://(?:[^\s/@\"']*@)?([^\s/\"'?#]+)[^\s\"']*")


def redact(text: str) -> str:
    """Return `text` with every URL cut down to scheme and host: the rest of it may be a key."""
    return _URL.sub(r"\1://\2/…", text)


def configure(role: str, directory: Path) -> None:
    """Send loguru's lines to `<role>.log` as JSON and to standard error for people."""
    directory.mkdir(parents=True, exist_ok=True)
    logger.remove()
    logger.configure(extra={"role": role, "kind": "log"}, patcher=_add_line)
    logger.add(
        directory / f"{role}.log",
        format="{extra[line]}",
        level="INFO",
        rotation=_ROTATE_AT,
        retention=_KEEP,
        compression="gz",
        backtrace=False,
        diagnose=False,  # values of variables may be secrets
        catch=True,
    )
    logger.add(
        sys.stderr,
        format="{time:YYYY-MM-DD HH:mm:ss.SSS} {level: <8} {extra[role]}: {extra[kind]}: {extra[text]}",
        level="INFO",
        backtrace=False,
        diagnose=False,
        catch=True,
    )


def _add_line(record: Any) -> None:  # noqa: ANN401 - loguru's Record exists only in its stubs
    extra = record["extra"]
    text = redact(record["message"])
    if record["exception"] is not None:
        kind = record["exception"].type
        text = f"{text} ({'' if kind is None else kind.__name__}: {redact(str(record['exception'].value))})"
    extra["text"] = text
    fields = {key: str(value) for key, value in extra.items() if key not in {"role", "kind", "text", "line"}}
    line = msgspec.json.encode(
        {
            "time": record["time"].isoformat(timespec="milliseconds"),
            "level": record["level"].name,
            "role": extra["role"],
            "kind": extra["kind"],
            "message": text,
            **({"data": {key: redact(value) for key, value in fields.items()}} if fields else {}),
        }
    ).decode()
    extra["line"] = line
