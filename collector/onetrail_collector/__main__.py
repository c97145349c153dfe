"""The program `onetrail-collector`; says what to install where the collector's extra is missing."""

import sys


def main() -> None:
    """Run the command line, or explain how to install what it needs."""
    try:
        from onetrail_collector.cli import cli  # noqa: PLC0415 - the extra may be missing

        cli()
    except ModuleNotFoundError as missing:
        sys.exit(f"{missing}: the collector needs its extra: pip install 'onetrail[collector]'")


if __name__ == "__main__":
    main()
