"""Where events wait until they are acknowledged: SQLite on disk, memory if it fails."""
