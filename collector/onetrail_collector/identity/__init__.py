"""Who is who, as pure functions of values: no SQL, no clock, no I/O."""
