"""One value has one spelling, and that spelling is its own; no two values share one."""

import unicodedata

import phonenumbers
import pytest
from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email
from hypothesis import example, given, settings
from hypothesis import strategies as st

from onetrail_collector.identity import normalisers
from onetrail_collector.identity.keys import BUILT_IN_KINDS, InvalidValue, Kind, normalise
from onetrail_collector.identity.normalisers import (
    NORMALISERS,
    PLAIN_EMAIL,
    Spelling,
    at_a_glance,
)

EMAIL = next(kind for kind in BUILT_IN_KINDS if kind.name == "email")
LOCAL = st.text("abzAZ09.-_+'!#$%&*/=?^`{|}~ \"@<éÅ\u030a\u0130ßΣ", max_size=12)
LABEL = st.one_of(
    st.sampled_from(
        ["shop", "xn--exmple-cua", "EXÄMPLE", "exa\u0308mple", "faß", "bü--cher", "ab--c"]
    ),
    st.text("abzAZ09-", min_size=1, max_size=70),
)
TOP = st.sampled_from(["test", "com", "c1m", "co2", "LOCAL", "onion", "arpa", "中国", "xn--fiqs8s"])
ADDRESS = st.builds(
    lambda local, labels, top: f"{local}@{'.'.join([*labels, top])}",
    LOCAL,
    st.lists(LABEL, min_size=0, max_size=4),
    TOP,
)
NEARLY_PLAIN = st.builds(  # what the short cut must tell from what it may take
    lambda local, labels, top: f"{local}@{'.'.join([*labels, top])}",
    st.text("abzAZ09.-_+'", min_size=1, max_size=12),
    st.lists(
        st.one_of(st.just("shop"), st.text("abz09-", min_size=1, max_size=6)),
        min_size=1,
        max_size=3,
    ),
    TOP,
)
EXAMPLES = settings(max_examples=600, deadline=None)
REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)


def or_none(kind: Kind, value: str, region: str | None = None) -> str | None:
    try:
        return normalise(kind, value, phone_region=region)
    except InvalidValue:
        return None


@pytest.mark.parametrize("name", NORMALISERS)
@EXAMPLES
@given(
    value=st.one_of(
        st.text(max_size=30),
        ADDRESS,
        st.from_regex(r"\+?[0-9 ()-]{3,20}", fullmatch=True),
        st.text(" aZ09@\u0085\n~", max_size=330),
        st.uuids().map(str),
    )
)
@example(value="\u0390\u0345A")
@example(value="İ@shop.test")
def test_a_normal_form_is_its_own(name: str, value: str) -> None:
    kind = Kind("any", normaliser=name)
    normal = or_none(kind, value, "CH")
    if at_a_glance(name, Spelling("CH"))(value):
        assert normal == value
    if normal is None:
        return
    assert normalise(kind, normal, phone_region="CH") == normal
    assert normalise(kind, normal, phone_region=None) == normal
    assert normal == unicodedata.normalize("NFC", normal)


@EXAMPLES
@given(address=st.one_of(ADDRESS, NEARLY_PLAIN))
@example(address="a@" + ".".join(["a" * 63] * 4) + ".test")
@example(address=f"{'a' * 240}@shop.test")
@example(address="a@b.localhost")
@example(address="a@ab--c.com")
def test_the_short_cut_of_addresses_says_what_the_library_says(address: str) -> None:
    """Whatever the pattern of plain addresses takes, email-validator answers unchanged."""
    plain = address.lower()
    if not PLAIN_EMAIL.match(plain):
        return
    try:
        by_library = validate_email(address, check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        pytest.fail(f"{address!r}: {error}")
    assert by_library.normalized.lower() == plain


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("text", "C-17 of B"),
        ("lower", "c-17 of b"),
        ("digits", "0017"),
        ("email", "ann@shop.test"),
        ("phone", "+41446681800"),
        ("uuid", "0b6a4d0e-3e2c-4f1a-9f55-9d8a6a0f3c11"),
    ],
)
def test_the_usual_value_is_known_at_a_glance_and_its_neighbours_are_not(
    name: str, value: str
) -> None:
    is_normal = at_a_glance(name, Spelling())
    assert is_normal(value)
    for other in (f" {value}", f"{value} ", f"{value}\n", f"é{value}", value + 321 * "0", ""):
        assert not is_normal(other)


def test_no_glance_tells_of_an_address_that_a_spelling_changes() -> None:
    for spelling in (Spelling(ignore_gmail_dots=True), Spelling(ignore_plus_tags=True)):
        assert not at_a_glance("email", spelling)("a.b+c@gmail.com")


@pytest.mark.parametrize("address", ["ann@shop.test", "a.b+c@mail.gmail.com", "x_1@a-b.co.uk"])
def test_the_usual_address_takes_the_short_cut(address: str) -> None:
    assert PLAIN_EMAIL.match(address)


def test_every_special_use_domain_goes_to_the_library() -> None:
    for domain in SPECIAL_USE_DOMAIN_NAMES:
        taken = PLAIN_EMAIL.match(f"a@b.{domain}")
        assert bool(taken) == (domain == "test")


@EXAMPLES
@given(
    region=st.sampled_from(REGIONS),
    digits=st.text("0123456789", min_size=6, max_size=10),
    first=st.sampled_from(["", "0", "1", "8", "9", "15", "06"]),
)
def test_the_short_cut_of_numbers_says_what_the_library_says(
    region: str, digits: str, first: str
) -> None:
    code = phonenumbers.country_code_for_region(region)
    number = f"+{code}{first}{digits}"
    if not normalisers._is_plain_phone(number):
        return
    assert normalisers._phone_by_library(number, None) == number


@pytest.mark.parametrize("region", REGIONS)
def test_the_example_number_of_each_country_is_taken(region: str) -> None:
    """And in the country's own way of writing it is the same number."""
    example_number = phonenumbers.example_number_for_type(
        region, phonenumbers.PhoneNumberType.MOBILE
    ) or phonenumbers.example_number(region)
    assert example_number is not None
    e164 = phonenumbers.format_number(example_number, phonenumbers.PhoneNumberFormat.E164)
    national = phonenumbers.format_number(example_number, phonenumbers.PhoneNumberFormat.NATIONAL)
    phone = Kind("phone", normaliser="phone")
    assert normalise(phone, e164) == e164
    assert normalise(phone, national, phone_region=region) == e164


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ann@SHOP.test", "ann@shop.test"),
        ("jose\u0301@shop.test", "jos\u00e9@shop.test"),
        ("JOSE\u0301@shop.test", "jos\u00e9@shop.test"),
        ("a@ex\u00e4mple.de", "a@xn--exmple-cua.de"),
        ("a@exa\u0308mple.de", "a@EX\u00c4MPLE.de"),
    ],
)
def test_one_mailbox_has_one_spelling(one: str, other: str) -> None:
    assert normalise(EMAIL, one) == normalise(EMAIL, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ann.b@gmail.com", "annb@gmail.com"),
        ("ann+shop@gmail.com", "ann@gmail.com"),
        ("ann@gmail.com", "ann@googlemail.com"),
        ("strasse@shop.test", "stra\u00dfe@shop.test"),
        ("ann@fa\u00df.de", "ann@fass.de"),
    ],
)
def test_mailboxes_that_may_differ_differ(one: str, other: str) -> None:
    assert normalise(EMAIL, one) != normalise(EMAIL, other)


def test_gmail_dots_and_plus_tags_are_ignored_where_asked_for() -> None:
    dots = Kind("email", normaliser="email", ignore_gmail_dots=True)
    assert normalise(dots, "A.nn@googlemail.com") == "ann@gmail.com"
    assert normalise(dots, "a.nn@shop.test") == "a.nn@shop.test"
    tags = Kind("email", normaliser="email", ignore_plus_tags=True)
    assert normalise(tags, "ann+news+1@shop.test") == "ann@shop.test"
    assert normalise(tags, "+1@shop.test") == "+1@shop.test"


@pytest.mark.parametrize(
    ("name", "value", "normal"),
    [
        ("digits", "4242 4242-00.17", "424242420017"),
        ("digits", "٤٢", "42"),
        ("lower", "STRASSE", "strasse"),
        ("lower", "straße", "strasse"),
        ("text", "Cafe\u0301", "Caf\u00e9"),
        ("uuid", "{6F9619FF-8B86-D011-B42D-00CF4FC964FF}", "6f9619ff-8b86-d011-b42d-00cf4fc964ff"),
        ("uuid", "6f9619ff8b86d011b42d00cf4fc964ff", "6f9619ff-8b86-d011-b42d-00cf4fc964ff"),
        ("phone", "tel:+41-44-668-18-00", "+41446681800"),
    ],
)
def test_other_kinds_of_value(name: str, value: str, normal: str) -> None:
    assert normalise(Kind("any", normaliser=name), value) == normal


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("digits", "12a"),
        ("digits", "²"),
        ("digits", "--"),
        ("uuid", "17"),
        ("email", "ann@test"),
        ("phone", "+41 44 668 18 00 ext. 5"),
        ("email", "Ann <ann@shop.test>"),
        ("phone", "+999123456"),
    ],
)
def test_what_is_no_value_of_its_kind(name: str, value: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        normalise(Kind("any", normaliser=name), value)
    assert value not in str(caught.value)
