"""`identity`: who is who."""

import click

from onetrail_collector.cli.lazy import LazyGroup

COMMANDS = {
    "blocked": "identity_read:blocked",
    "conflicts": "identity_read:conflicts",
    "decisions": "identity_decide:decisions",
    "graph": "identity_read:graph",
    "history": "identity_read:history",
    "import": "identity_import:identity_import",
    "join": "identity_decide:join",
    "rebuild": "identity_rebuild:identity_rebuild",
    "refuse-key": "identity_decide:refuse_key",
    "shared": "identity_read:shared",
    "show": "identity_read:show_profile",
    "split": "identity_decide:split",
    "undo": "identity_decide:undo",
    "why": "identity_read:why",
}


@click.group(cls=LazyGroup, where=COMMANDS)
def identity() -> None:
    """Who is who: the profiles that links, policy and decisions make."""
