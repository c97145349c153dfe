"""A key is believed where the source's server has signed it, in the bytes as they were sent."""

import pytest

from onetrail_collector.identity.signatures import is_signed, sign

SECRET = "5f" * 32


def test_a_signature_is_hmac_of_kind_and_value() -> None:
    """By a known answer: printf email:ann@shop.test | openssl dgst -sha256 -hmac 5f5f..."""
    assert sign(SECRET, "email", "ann@shop.test") == (
        "7d68d01a4328d0500e5bbc19df25613a726f79849f4e65edda609c8600f16c05"
    )


@pytest.mark.parametrize("spell", [str, str.upper, lambda text: {"email": text, "phone": "x"}])
def test_a_right_signature_proves(spell) -> None:
    signature = spell(sign(SECRET, "email", "Ann@shop.test "))
    assert is_signed(SECRET, "email", "Ann@shop.test ", signature)


@pytest.mark.parametrize(
    "signature",
    [
        None,
        "",
        "é",
        17,
        [],
        {},
        {"phone": sign(SECRET, "email", "ann@shop.test")},
        sign(SECRET, "user_id", "ann@shop.test"),
        sign("other", "email", "ann@shop.test"),
    ],
)
def test_anything_else_does_not(signature: object) -> None:
    assert not is_signed(SECRET, "email", "ann@shop.test", signature)


def test_no_secret_proves_nothing() -> None:
    assert not is_signed("", "email", "ann@shop.test", sign("", "email", "ann@shop.test"))
