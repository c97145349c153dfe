"""One spelling for each merging key, and no key for junk."""

import pytest

from onetrail_collector.identity.keys import BUILT_IN_KINDS, InvalidValue, Kind, normalise
from onetrail_collector.identity.points import IdentificationPoint, find_keys
from onetrail_collector.identity.policy import Policy

KINDS = {kind.name: kind for kind in BUILT_IN_KINDS}


@pytest.mark.parametrize(
    "spelling",
    ["ann@shop.test", "  Ann@SHOP.test ", "ANN@shop.TEST", "ann@Shop.test"],
)
def test_an_address_has_one_spelling(spelling: str) -> None:
    assert normalise(KINDS["email"], spelling) == "ann@shop.test"


@pytest.mark.parametrize(
    ("one", "other"),
    [("bücher@exämple.de", "BÜCHER@EXÄMPLE.de"), ("a@exämple.de", "a@xn--exmple-cua.de")],
)
def test_international_addresses_have_one_spelling(one: str, other: str) -> None:
    assert normalise(KINDS["email"], one) == normalise(KINDS["email"], other)


@pytest.mark.parametrize(
    "spelling", ["+41 44 668 18 00", "044 668 18 00", "0041446681800", "(044) 668-18-00"]
)
def test_a_number_is_e164(spelling: str) -> None:
    assert normalise(KINDS["phone"], spelling, phone_region="CH") == "+41446681800"


def test_a_bare_number_needs_a_region() -> None:
    with pytest.raises(InvalidValue, match=r"identity\.phone_region"):
        normalise(KINDS["phone"], "044 668 18 00")


def test_a_number_and_its_text_are_one_user_id() -> None:
    assert normalise(KINDS["user_id"], 17) == normalise(KINDS["user_id"], " 17 ")


@pytest.mark.parametrize("value", [True, 1.5, [], {}, " ", "x" * 321, "a\0b", "a\nb"])
def test_odd_values_are_no_keys(value: object) -> None:
    with pytest.raises(InvalidValue):
        normalise(KINDS["user_id"], value)


@pytest.mark.parametrize(
    "junk", ["null", "None", "UNDEFINED", " guest ", "0", "000-000", "-1", "[object Object]", "NaN"]
)
def test_junk_links_nobody(junk: str) -> None:
    finding = find_keys(Policy().points["identify"], {"user_id": junk}, KINDS)
    assert finding.keys == ()
    assert [code for code, _ in finding.warnings] == ["blocked_value"]


def test_a_warning_never_repeats_the_value() -> None:
    finding = find_keys(Policy().points["identify"], {"email": "secret at example"}, KINDS)
    [(code, sentence)] = finding.warnings
    assert code == "invalid_value"
    assert "secret" not in sentence


def test_a_point_follows_a_dotted_path() -> None:
    kinds = {**KINDS, "card": Kind("card", normaliser="lower", blocked=frozenset({"none-yet"}))}
    points = [IdentificationPoint("order", "customer.card", "card")]
    found = find_keys(points, {"customer": {"card": "AB-1"}}, kinds)
    assert found.keys == (("card", "ab-1"),)
    assert find_keys(points, {"customer": "x"}, kinds).keys == ()
    assert find_keys(points, {"customer": {"card": "None-Yet"}}, kinds).keys == ()


@pytest.mark.parametrize(
    ("value", "said"),
    [({}, "an object"), (1.5, "a decimal number"), (True, "true or false"), (None, "null")],
)
def test_what_is_no_text_is_said_in_the_words_of_json(value: object, said: str) -> None:
    with pytest.raises(InvalidValue, match=f"expected a text or a whole number, got {said}"):
        normalise(KINDS["email"], value)
