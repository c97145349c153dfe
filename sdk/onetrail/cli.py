"""The command `onetrail`: look into an app's outbox, and empty it by hand.

onetrail status --app notes
onetrail send page-view url=https://shop.example/ --url http://127.0.0.1:8000 --source demo
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from onetrail import inspection
from onetrail._version import __version__
from onetrail.parts import user_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns the exit code: 0 done, 1 something is left, 2 wrong usage."""
    parser = _parser()
    options = parser.parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.run
    try:
        return command(options)
    except (ValueError, FileNotFoundError) as error:
        parser.error(str(error))


def _status(options: argparse.Namespace) -> int:
    facts = inspection.status(_folder(options))
    if options.json:
        _print(json.dumps(facts, indent=2))
        return 0
    for name, value in facts.items():
        if isinstance(value, dict):
            _print(f"{name:12}" + ("none" if not value else ""))
            for key, count in value.items():
                _print(f"  {key:24}{count:>10}")
        else:
            _print(f"{name:12}{'-' if value is None else value}")
    return 0


def _flush(options: argparse.Namespace) -> int:
    with _tracker(options) as tracker:
        return _left(tracker.flush(timeout_s=options.timeout_s), options)


def _send(options: argparse.Namespace) -> int:
    properties = dict(_property(text) for text in options.properties)
    with _tracker(options) as tracker:
        tracker.track(options.type, properties)
        return _left(tracker.flush(timeout_s=options.timeout_s), options)


def _export(options: argparse.Namespace) -> int:
    folder = _folder(options)
    read = inspection.export_aside if options.aside else inspection.export
    for event in read(folder):
        _print(json.dumps(event, ensure_ascii=False))
    return 0


def _purge(options: argparse.Namespace) -> int:
    count = inspection.purge(_folder(options))
    _print(json.dumps({"purged": count}) if options.json else f"{count} events purged")
    return 0


def _requeue(options: argparse.Namespace) -> int:
    count = inspection.requeue(_folder(options))
    _print(json.dumps({"requeued": count}) if options.json else f"{count} events wait again")
    return 0


def _left(count: int, options: argparse.Namespace) -> int:
    _print(json.dumps({"left": count}) if options.json else f"{count} events left")
    return 1 if count else 0


def _tracker(options: argparse.Namespace) -> Any:
    from onetrail.tracker import Tracker  # noqa: PLC0415  status needs none of it

    if not options.url or not options.source:
        raise ValueError("--url and --source (or ONETRAIL_URL and ONETRAIL_SOURCE) are needed")
    return Tracker(options.url, source=options.source, data_dir=_folder(options))


def _folder(options: argparse.Namespace) -> Path:
    if options.data_dir:
        return Path(options.data_dir)
    if name := options.app or options.source:
        return user_folder(name)
    raise ValueError("--app, --source or --data-dir says whose outbox is meant")


def _property(text: str) -> tuple[str, Any]:
    """`n=3` is the number 3, `name=ann` a text: a value is JSON where it can be read as such."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise ValueError(f"{text!r} is no property; write name=value")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _parser() -> argparse.ArgumentParser:
    env = os.environ.get
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--app", help="the app_name that the tracker was given")
    shared.add_argument("--data-dir", help="the data_dir that the tracker was given")
    shared.add_argument("--source", default=env("ONETRAIL_SOURCE"), help="the source's id")
    shared.add_argument("--url", default=env("ONETRAIL_URL"), help="the collector's URL")
    shared.add_argument("--timeout-s", type=float, default=30.0, help="for flush and send")
    shared.add_argument("--json", action="store_true", help="for programs")
    parser = argparse.ArgumentParser("onetrail", description="Look into an app's outbox.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, run: Callable[[argparse.Namespace], int], what: str) -> Any:
        command = commands.add_parser(name, parents=[shared], help=what, description=what)
        command.set_defaults(run=run)
        return command

    add("status", _status, "What waits, what was set aside and why, what was lost.")
    add("flush", _flush, "Send what waits.")
    export = add("export", _export, "Print what waits, one JSON event a line.")
    export.add_argument("--aside", action="store_true", help="what was set aside instead, and why")
    add("purge", _purge, "Forget everything that waits or was set aside.")
    add("requeue", _requeue, "Put what was set aside back into the queue.")
    send = add("send", _send, "Track one event and send it.")
    send.add_argument("type", metavar="TYPE")
    send.add_argument("properties", nargs="*", metavar="name=value")
    return parser


if __name__ == "__main__":
    sys.exit(main())
