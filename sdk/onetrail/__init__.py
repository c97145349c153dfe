"""onetrail for Python programs: track events that survive everything, cheaply."""
