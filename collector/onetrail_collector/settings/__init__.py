"""What an operator can set, and where each value comes from: default, file, environment, flag.

The dataclasses of `sections.py` are the one table of settings. A key is a field there:

    body_bytes: Annotated[Positive, Meta(description="Largest body, in bytes.")] = 1_048_576

From its name, type, default and description come the key of the file (`limits.body_bytes`), the
variable (`ONETRAIL_LIMITS__BODY_BYTES`), the flag (`--set limits.body_bytes=N`; a key of no
section has a flag of its own), the line of `onetrail-collector config`, and the row that a test
wants to see in docs/configuration.md. The program reads `settings.limits.body_bytes`.

- A new key: add the field, and its row in docs/configuration.md (the test prints it).
- A new section: a frozen dataclass, and a field for it in `Settings`.
- A secret: `Meta(description=..., extra={"secret": True})`; no message and no print-out shows it.
- Bounds: `Meta(ge=..., le=..., min_length=..., pattern=...)` around the type inside `| None`.
- Tables named by the operator (`[retention.sources.web]`): `dict[str, S]`, S a msgspec Struct with
  `forbid_unknown_fields=True`.
- What no type can check: `__post_init__` of the section raises ValueError, naming the key.
- `[identity]` becomes a Policy: its keys are fields of `Identity`, read in `identity.py`.
"""

from onetrail_collector.settings.errors import InvalidSettings
from onetrail_collector.settings.layers import Effective, load, load_policy
from onetrail_collector.settings.sections import Durability, Settings
from onetrail_collector.settings.table import SETTINGS, Setting

__all__ = [
    "SETTINGS",
    "Durability",
    "Effective",
    "InvalidSettings",
    "Setting",
    "Settings",
    "load",
    "load_policy",
]
