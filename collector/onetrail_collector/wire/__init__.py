"""Protocols: bytes and headers to an Envelope, a Receipt to an answer; one module each, no SQL."""
