"""What to do where the packages that the collector needs are not installed."""

NEEDS_EXTRA = "the collector needs its extra: pip install 'onetrail[collector]'"
