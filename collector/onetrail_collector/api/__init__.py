"""The ways out and what an operator does: each call an Operation, from which routes are made."""
