"""Who was erased is not stored again: known by marks, hashes that say nothing of a person.

A mark is a keyed hash (BLAKE2b, RFC 7693) of a profile ID, a session or a merging key. Its key, the
salt, is random and of one database alone, so that marks of two collectors cannot be compared.
"""

import hashlib

from onetrail_collector.identity.keys import PlainKey

Trace = tuple[str, ...]
"""What a person may come back by: a kind of thing, and the words that name it."""


def of_profile_id(public_id: str) -> Trace:
    """The trace of a profile ID."""
    return ("profile_id", public_id)


def of_session(source: str, public_id: str) -> Trace:
    """The trace of a session; `source` is the source's public id."""
    return ("session", source, public_id)


def of_device(source: str, device: str) -> Trace:
    """The trace of a device, as its client calls it; `source` is the source's public id."""
    return ("device", source, device)


def of_key(key: PlainKey) -> Trace:
    """The trace of a merging key."""
    return ("key", *key)


def mark(salt: bytes, trace: Trace) -> str:
    """What is stored of a trace: 128 bits, hexadecimal."""
    return hashlib.blake2b("\0".join(trace).encode(), key=salt, digest_size=16).hexdigest()
