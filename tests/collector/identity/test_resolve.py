"""Profiles are a pure function of the links: rules, an oracle, and the independence of order."""

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from onetrail_collector.identity.keys import Key, Kind
from onetrail_collector.identity.policy import Policy
from onetrail_collector.identity.resolve import Link, resolve

KINDS = {
    "user_id": Kind("user_id", exclusive=True, priority=10),
    "email": Kind("email", priority=20, max_profile_ids=3),
    "phone": Kind("phone", priority=20),
}
POLICY = Policy(kinds=KINDS)


def link(profile_id: int, kind: str, value: str, time_ms: int = 0, event_id: str = "e") -> Link:
    return Link(profile_id, Key(kind, value), time_ms, event_id)


@st.composite
def histories(draw: st.DrawFn) -> list[Link]:
    """Links of few devices and few values, so that conflicts and shared values are common."""
    keys = st.builds(Key, st.sampled_from(sorted(KINDS)), st.sampled_from("abc"))
    pairs = draw(st.lists(st.tuples(st.integers(1, 7), keys), unique=True, max_size=20))
    return [
        Link(profile_id, key, draw(st.integers(0, 3)), draw(st.sampled_from("xyz")))
        for profile_id, key in pairs
    ]


def oracle(links: list[Link], kinds: Mapping[str, Kind]) -> dict[int, int]:
    """The slow and obvious version: accept a link if the groups it would make break no rule."""
    devices: dict[Key, set[int]] = {}
    for one in links:
        devices.setdefault(one.key, set()).add(one.profile_id)
    candidates = [
        one for one in links if len(devices[one.key]) <= kinds[one.key.kind].max_profile_ids
    ]
    candidates.sort(
        key=lambda one: (
            kinds[one.key.kind].priority,
            one.time_ms,
            one.event_id,
            one.profile_id,
            one.key,
        )
    )
    accepted: list[Link] = []
    for one in candidates:
        if all(allowed(group, kinds) for group in components([*accepted, one])):
            accepted.append(one)
    profiles = {one.profile_id: one.profile_id for one in links}
    for group in components(accepted):
        members = [node for node in group if isinstance(node, int)]
        profiles |= dict.fromkeys(members, min(members))
    return profiles


def components(links: list[Link]) -> list[set[int | Key]]:
    groups: list[set[int | Key]] = []
    for one in links:
        joined: set[int | Key] = {one.profile_id, one.key}
        touched = [group for group in groups if group & joined]
        groups = [group for group in groups if not group & joined]
        groups.append(joined.union(*touched))
    return groups


def allowed(group: set[int | Key], kinds: Mapping[str, Kind]) -> bool:
    exclusive = [
        node.kind for node in group if isinstance(node, Key) and kinds[node.kind].exclusive
    ]
    return len(exclusive) == len(set(exclusive))


def test_a_shared_key_makes_two_devices_one_profile() -> None:
    resolution = resolve([link(2, "email", "a"), link(1, "email", "a")], (), POLICY)
    assert resolution.profiles == {1: 1, 2: 1}
    assert resolution.refused == {}


def test_chains_of_keys_join() -> None:
    links = [
        link(1, "email", "a"),
        link(2, "email", "a"),
        link(2, "phone", "p"),
        link(3, "phone", "p"),
    ]
    assert resolve(links, (), POLICY).profiles == {1: 1, 2: 1, 3: 1}


def test_a_profile_never_holds_two_customer_numbers() -> None:
    """A family's e-mail address does not make two customers one; the refusal is recorded."""
    links = [
        *(link(1, "user_id", "a"), link(2, "user_id", "b")),
        *(link(1, "email", "family", 1), link(2, "email", "family", 2)),
    ]
    resolution = resolve(links, (), POLICY)
    assert resolution.profiles == {1: 1, 2: 2}
    assert resolution.refused == {(2, Key("email", "family")): "exclusive"}


def test_a_value_on_too_many_devices_joins_nobody() -> None:
    links = [link(profile_id, "email", "kiosk") for profile_id in (1, 2, 3, 4)]
    resolution = resolve(links, (), POLICY)
    assert resolution.profiles == {1: 1, 2: 2, 3: 3, 4: 4}
    assert set(resolution.refused.values()) == {"shared"}
    assert resolve(links[:3], (), POLICY).profiles == {1: 1, 2: 1, 3: 1}


@given(histories())
def test_equals_the_oracle(links: list[Link]) -> None:
    assert resolve(links, (), POLICY).profiles == oracle(links, KINDS)


@given(histories(), st.randoms())
def test_the_order_of_arrival_changes_nothing(links: list[Link], random: object) -> None:
    shuffled = list(links)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = resolve(links, (), POLICY), resolve(shuffled, (), POLICY)
    assert (one.profiles, one.refused) == (other.profiles, other.refused)


@given(histories())
def test_no_profile_breaks_a_rule(links: list[Link]) -> None:
    resolution = resolve(links, (), POLICY)
    held: dict[tuple[int, str], str] = {}
    for profile_id, key, _, _ in links:
        if KINDS[key.kind].exclusive and (profile_id, key) not in resolution.refused:
            profile = resolution.profiles[profile_id]
            assert held.setdefault((profile, key.kind), key.value) == key.value
