"""The one place of the version; the build reads it."""

__version__ = "0.1.0"
