"""The program `onetrail-collector`; says what to install where the collector's extra is missing."""

import sys

from onetrail_collector.extra import NEEDS_EXTRA


def main() -> None:
    """Run the command line, or explain how to install what it needs."""
    try:
        from onetrail_collector.cli import cli  # noqa: PLC0415 - the extra may be missing
    except ModuleNotFoundError as missing:
        sys.exit(f"{missing}: {NEEDS_EXTRA}")
    cli()


if __name__ == "__main__":
    main()
