"""Every process's own log file, JSON lines, through loguru; a level word and a stable kind on each line."""

from __future__ import annotations

import re
import sys
import traceback
from typing import TYPE_CHECKING, Any, Final

import msgspec
from loguru import logger

if TYPE_CHECKING:
    from pathlib import Path

_ROTATE_AT: Final = "20 MB"
_KEEP: Final = 5
_OWN: Final = frozenset({"role", "kind", "text", "trace", "line"})
_TRACE_CHARACTERS_MAX: Final = 8_000
_URL: Final = re.compile(r"(https?|wss?)://([^\s\"']*)", re.IGNORECASE)
_HOST: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?")


def redact(text: str) -> str:
    """Return `text` with every URL cut down to scheme and host: the rest of it may be a key."""
    return _URL.sub(_cut, text)


def _cut(url: re.Match[str]) -> str:
    """Return a URL without its path, query, fragment and credentials; one of odd form without its host."""
    authority = re.split(r"[/?#]", url[2], maxsplit=1)[0]
    host = authority.rpartition("@")[2]
    if not _HOST.fullmatch(host):
        return f"{url[1]}://…"
    return f"{url[1]}://{host}" if url[2] in {host, f"{host}/"} else f"{url[1]}://{host}/…"


def configure(role: str, directory: Path) -> None:
    """Send loguru's lines to `<role>.log` as JSON and to standard error for people."""
    directory.mkdir(parents=True, exist_ok=True)
    logger.remove()
    logger.configure(extra={"role": role, "kind": "log"}, patcher=_add_line)
    logger.add(
        directory / f"{role}.log",
        format=_for_files,
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
        format=_for_people,
        level="INFO",
        backtrace=False,
        diagnose=False,
        catch=True,
    )


# Functions, for to a plain text loguru adds the traceback by itself, unredacted.
def _for_files(_record: Any) -> str:  # noqa: ANN401 - as below
    return "{extra[line]}\n"


def _for_people(_record: Any) -> str:  # noqa: ANN401 - as below
    when = "{time:YYYY-MM-DD HH:mm:ss.SSS}"
    return when + " {level: <8} {extra[role]}: {extra[kind]}: {extra[text]}\n{extra[trace]}"


def _add_line(record: Any) -> None:  # noqa: ANN401 - loguru's Record exists only in its stubs
    extra = record["extra"]
    text = redact(record["message"])
    trace = ""
    if record["exception"] is not None:
        kind, value, frames = record["exception"]
        text = f"{text} ({'' if kind is None else kind.__name__}: {redact(str(value))})"
        trace = redact("".join(traceback.format_exception(kind, value, frames)))[-_TRACE_CHARACTERS_MAX:]
    extra["text"], extra["trace"] = text, trace
    fields = {key: str(value) for key, value in extra.items() if key not in _OWN}
    line = msgspec.json.encode(
        {
            "time": record["time"].isoformat(timespec="milliseconds"),
            "level": record["level"].name,
            "role": extra["role"],
            "kind": extra["kind"],
            "message": text,
            **({"traceback": trace} if trace else {}),
            **({"data": {key: redact(value) for key, value in fields.items()}} if fields else {}),
        }
    ).decode()
    extra["line"] = line
