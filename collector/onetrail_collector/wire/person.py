"""Facts about a person as other protocols send them, in the words of our own identify event."""

from collections.abc import Mapping

import msgspec

Fields = dict[str, msgspec.Raw]

KEYS = ("email", "phone")


def identify_properties(user_id: str | None, facts: Mapping[str, msgspec.Raw]) -> dict[str, object]:
    """`user_id`, `email`, `phone` and `traits`; what is not known is left out."""
    keys = {name: facts[name] for name in KEYS if _is_text(facts.get(name))}
    traits = {name: value for name, value in facts.items() if name not in keys}
    known = {"user_id": user_id, **keys, "traits": traits or None}
    return {name: value for name, value in known.items() if value is not None}


def _is_text(raw: msgspec.Raw | None) -> bool:
    return raw is not None and bytes(raw)[:1] == b'"' and bytes(raw) != b'""'
