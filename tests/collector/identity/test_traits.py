"""A profile's traits: the newest wins, whoever stated it; and a denied consent stays denied."""

from hypothesis import given
from hypothesis import strategies as st

from onetrail_collector.identity.traits import Trait, find_traits, newest


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


@given(
    st.lists(
        st.builds(
            Trait,
            st.integers(1, 3),
            st.sampled_from(["consent", "plan"]),
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
