"""The section [identity]: kinds of merging key and identification points, as a Policy."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

from onetrail_collector.identity.blocked import JUNK, JUNK_EMAILS
from onetrail_collector.identity.hashing import MIN_SECRET_BYTES, KeyHasher
from onetrail_collector.identity.keys import BUILT_IN_KINDS, EXCLUSIVE_PRIORITY, Kind
from onetrail_collector.identity.normalisers import NORMALISERS
from onetrail_collector.identity.points import BUILT_IN_POINTS, IdentificationPoint
from onetrail_collector.identity.policy import Policy, by_event_type
from onetrail_collector.settings.errors import InvalidSettings, unknown

MAX_NAME_CHARS = 64
KIND_NAME = re.compile(rf"[A-Za-z0-9_-]{{1,{MAX_NAME_CHARS}}}")


def to_policy(identity: Mapping[str, Any]) -> Policy:
    """The identity policy from the keys of the section. Raises InvalidSettings.

    [identity]
    phone_region = "CH"

    [identity.kinds.crm]
    exclusive = true

    [[identity.points]]
    event_type = "order"
    property = "customer.email"
    kind = "email"
    """
    kinds = {kind.name: kind for kind in BUILT_IN_KINDS}
    for name, table in _table(identity.get("kinds", {}), "identity.kinds").items():
        if not KIND_NAME.fullmatch(name):
            raise InvalidSettings(
                f"identity.kinds.{name[:80]!r}: a kind's name has 1 to {MAX_NAME_CHARS} characters,"
                " each one of A to Z, a to z, 0 to 9, _ and -; a key is written KIND:VALUE"
            )
        base = kinds.get(name, Kind(name))
        kinds[name] = _kind(base, _table(table, f"identity.kinds.{name}"))
    return Policy(
        kinds=kinds,
        points=by_event_type([*BUILT_IN_POINTS, *_points(identity.get("points", []), kinds)]),
        phone_region=_phone_region(identity.get("phone_region")),
        hasher=_hasher(identity),
    )


def _hasher(identity: Mapping[str, Any]) -> KeyHasher | None:
    if not identity.get("hash_keys"):
        return None
    file, secret = identity.get("hash_secret_file"), identity.get("hash_secret") or ""
    if file is not None:
        try:
            secret = file.read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidSettings(f"identity.hash_secret_file: cannot read it: {error}") from None
    where = "identity.hash_secret" if file is None else "identity.hash_secret_file"
    if len(secret.encode()) < MIN_SECRET_BYTES:
        raise InvalidSettings(
            f"identity.hash_keys needs a secret of at least {MIN_SECRET_BYTES} bytes, in the "
            "variable ONETRAIL_IDENTITY__HASH_SECRET or in the file that identity.hash_secret_file "
            f"names; {where} holds {len(secret.encode())}: make one with: openssl rand -hex 32"
        )
    return KeyHasher(secret.encode())


def _kind(base: Kind, table: Mapping[str, Any]) -> Kind:
    where = f"identity.kinds.{base.name}."
    _only(table, {entry.name for entry in fields(Kind)} - {"name"} | {"default_blocked"}, where)
    normaliser = table.get("normaliser", base.normaliser)
    if normaliser not in NORMALISERS:
        known = ", ".join(NORMALISERS)
        raise InvalidSettings(f"{where}normaliser is {normaliser!r}; expected one of {known}")
    blocked = table.get("blocked", [])
    if not isinstance(blocked, list) or not all(isinstance(value, str) for value in blocked):
        raise InvalidSettings(f"{where}blocked is {blocked!r}; expected a list of texts")
    whole_list = _typed(table, "default_blocked", bool, default=True, where=where)
    defaults = _default_blocked(base, normaliser) if whole_list else frozenset()
    exclusive = _typed(table, "exclusive", bool, base.exclusive, where)
    priority = min(base.priority, EXCLUSIVE_PRIORITY) if exclusive else base.priority
    return Kind(
        name=base.name,
        normaliser=normaliser,
        exclusive=exclusive,
        priority=_typed(table, "priority", int, priority, where),
        max_profile_ids=_typed(table, "max_profile_ids", int, base.max_profile_ids, where),
        max_values=_typed(table, "max_values", int, base.max_values, where),
        blocked=frozenset(value.strip().lower() for value in blocked) | defaults,
        ignore_gmail_dots=_email_only("ignore_gmail_dots", table, normaliser, base, where),
        ignore_plus_tags=_email_only("ignore_plus_tags", table, normaliser, base, where),
    )


def _default_blocked(base: Kind, normaliser: str) -> frozenset[str]:
    return base.blocked | (JUNK_EMAILS if normaliser == "email" else JUNK)


def _email_only(
    name: str, table: Mapping[str, Any], normaliser: str, base: Kind, where: str
) -> bool:
    chosen: bool = _typed(table, name, bool, getattr(base, name), where)
    if chosen and normaliser != "email":
        raise InvalidSettings(f"{where}{name} is for kinds whose normaliser is 'email'")
    return chosen


def _points(entries: Any, kinds: Mapping[str, Kind]) -> Iterable[IdentificationPoint]:
    if not isinstance(entries, list):
        raise InvalidSettings("identity.points: write [[identity.points]], once for each rule")
    names = {entry.name for entry in fields(IdentificationPoint)}
    for index, entry in enumerate(entries):
        where = f"identity.points[{index}]"
        table = _table(entry, where)
        _only(table, names, f"{where}.")
        for name in sorted(names):
            if not isinstance(table.get(name), str) or not table[name]:
                raise InvalidSettings(f"{where}.{name} is {table.get(name)!r}; expected a text")
        if table["kind"] not in kinds:
            known = ", ".join(sorted(kinds))
            raise InvalidSettings(f"{where}.kind is {table['kind']!r}; expected one of {known}")
        yield IdentificationPoint(table["event_type"], table["property"], table["kind"])


def _phone_region(value: Any) -> str | None:
    if value is None:
        return None
    from phonenumbers import SUPPORTED_REGIONS  # noqa: PLC0415 - only where it is configured

    if value not in SUPPORTED_REGIONS:
        raise InvalidSettings(
            f"identity.phone_region is {value!r}; expected a country's two letters, as 'CH'"
        )
    return str(value)


def _typed(table: Mapping[str, Any], name: str, kind: type, default: Any, where: str) -> Any:
    value: Any = table.get(name, default)
    expected = {bool: "true or false", int: "a number that is not negative"}[kind]
    if type(value) is not kind or str(value).startswith("-"):
        raise InvalidSettings(f"{where}{name} is {value!r}; expected {expected}")
    return value


def _table(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InvalidSettings(f"{where} is {value!r}; expected a table")
    return value


def _only(table: Mapping[str, Any], known: set[str], where: str) -> None:
    for name in table:
        if name not in known:
            raise unknown(name, known, where=where)
