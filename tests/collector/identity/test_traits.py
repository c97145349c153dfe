"""A profile's traits: the newest wins, whoever stated it; and a denied consent stays denied."""

import json

from hypothesis import given
from hypothesis import strategies as st

from onetrail_collector.identity.traits import (
    MAX_CONSENT_LEVELS,
    MAX_CONSENT_NAME_CHARS,
    Trait,
    find_traits,
    newest,
)


def trait(profile_id: int, value: str, time_ms: int, event_id: str = "e", name: str = "consent"):
    return Trait(profile_id, name, value, time_ms, event_id)


def test_numbers_are_never_added_up() -> None:
    assert (
        newest([trait(1, "30", 1, name="age"), trait(2, "31", 2, name="age")])["age"].value == "31"
    )


def test_a_denied_consent_stays_denied_until_a_later_event_grants_it() -> None:
    """On another device an older grant arrives late: it changes nothing."""
    denied = trait(1, "false", 10)
    assert newest([denied, trait(2, "true", 9)])["consent"] == denied
    assert newest([denied, trait(2, "true", 10, "z")])["consent"] == denied
    granted = trait(1, "true", 11)
    assert newest([denied, granted])["consent"] == granted


def test_a_word_on_one_purpose_takes_back_no_denial_of_another() -> None:
    found = find_traits({"traits": {"consent": {"ads": False, "analytics": True}, "plan": "pro"}})
    assert found == {"consent.ads": False, "consent.analytics": True, "plan": "pro"}


def consents(*events: tuple[int, object]) -> dict[str, str]:
    """What stands of the consents that events at these times state, each from another device."""
    stated = [
        Trait(device, name, json.dumps(value), time_ms, f"e{device}")
        for device, (time_ms, consent) in enumerate(events)
        for name, value in find_traits({"traits": {"consent": consent}}).items()
    ]
    return {name: trait.value for name, trait in newest(stated).items()}


def test_a_denial_of_a_part_of_a_purpose_is_not_lost_to_a_grant_of_another() -> None:
    email, sms = {"marketing": {"email": False}}, {"marketing": {"sms": True}}
    both = {"consent.marketing.email": "false", "consent.marketing.sms": "true"}
    assert consents((1, email), (2, sms)) == both
    assert consents((2, email), (1, sms)) == both
    assert consents((1, email), (2, {"marketing": {"email": True}})) == {
        "consent.marketing.email": "true"
    }


def test_a_purpose_that_was_denied_stays_denied_but_for_what_is_granted_later() -> None:
    denied, sms = {"marketing": False}, {"marketing": {"sms": True}}
    later = {"consent.marketing": "false", "consent.marketing.sms": "true"}
    assert consents((1, denied), (2, sms)) == later
    everything = {"consent.marketing": "false", "consent.marketing.sms": "false"}
    assert consents((2, denied), (1, sms)) == everything
    assert consents((2, denied), (2, sms)) == everything
    assert consents((3, False), (1, sms), (2, {"ads": True})) == {
        "consent": "false",
        "consent.marketing.sms": "false",
        "consent.ads": "false",
    }


def test_a_grant_of_the_whole_takes_back_no_denial_of_a_part() -> None:
    denied, granted = {"marketing": {"email": False}}, {"marketing": True}
    assert consents((1, denied), (2, granted)) == {
        "consent.marketing": "true",
        "consent.marketing.email": "false",
    }
    again = [(1, {"marketing": {"sms": True}}), (2, {"marketing": False}), (3, granted)]
    assert consents(*again) == {"consent.marketing": "true", "consent.marketing.sms": "true"}


def test_what_shows_a_part_denied_by_the_whole_names_the_event_that_did_it() -> None:
    granted = trait(1, "true", 1, "granted", "consent.ads.x")
    denied = trait(2, '"no"', 2, "denied", "consent.ads")
    assert newest([granted, denied])["consent.ads.x"] == denied._replace(name="consent.ads.x")


def test_a_consent_is_taken_apart_as_deep_as_is_bounded() -> None:
    """A request of 32 KiB must not become megabytes of names."""
    deep: object = False
    for _ in range(30):
        deep = {"p": deep}
    [(name, value)] = find_traits({"traits": {"consent": deep}}).items()
    assert name == "consent" + ".p" * MAX_CONSENT_LEVELS
    assert isinstance(value, dict)
    long = {"n" * MAX_CONSENT_NAME_CHARS: {str(n): False for n in range(1000)}}
    assert len(find_traits({"traits": {"consent": long}})) == 1


def test_consents_without_a_word_are_none_and_of_two_spellings_the_denial_counts() -> None:
    empty = {"consent": {"a": {}, "b": None, "c": {"d": ""}}}
    assert find_traits({"traits": empty}) == {}
    for twice in (
        {"consent": {"a": {"b": False}, "a.b": True}},
        {"consent.a.b": True, "consent": {"a": {"b": False}}},
    ):
        assert find_traits({"traits": twice}) == {"consent.a.b": False}


@given(
    st.lists(
        st.builds(
            Trait,
            st.integers(1, 3),
            st.sampled_from(["consent", "consent.a", "consent.a.b", "plan"]),
            st.sampled_from(["true", "false", '"denied"']),
            st.integers(0, 3),
            st.sampled_from("xy"),
        )
    ),
    st.randoms(),
)
def test_the_order_of_arrival_plays_no_part(traits: list[Trait], random) -> None:
    shuffled = list(traits)
    random.shuffle(shuffled)
    one, other = newest(traits), newest(shuffled)
    assert {n: t.value for n, t in one.items()} == {n: t.value for n, t in other.items()}
