"""A wrong setting names itself, and says what would be right."""

from pathlib import Path

import pytest

from onetrail_collector.identity.blocked import JUNK
from onetrail_collector.identity.hashing import KeyHasher
from onetrail_collector.identity.keys import is_blocked
from onetrail_collector.settings import InvalidSettings, load_policy


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x", "is not TOML"),
        ("[identty]", "did you mean 'identity'?"),
        ("identity = 3", "expected a table"),
        ("[identity]\nphone_region = 'Swiss'", "'CH'"),
        ("[identity.kinds.crm]\nexclusiv = true", "did you mean 'exclusive'?"),
        ("[identity.kinds.crm]\nexclusive = 1", "true or false"),
        ("[identity.kinds.crm]\nmax_profile_ids = -1", "not negative"),
        ("[identity.kinds.crm]\nnormaliser = 'soundex'", "text, lower, digits, email, phone, uuid"),
        ("[identity.kinds.crm]\nblocked = 'x'", "a list of texts"),
        ("[identity]\nhash_keys = 1", "true or false"),
        ("[identity]\nhash_keys = true", "ONETRAIL_HASH_SECRET holds 0"),
        ("[identity]\nhash_keys = true\nhash_secret_file = 'no'", "cannot read it"),
        ("[identity]\nhash_keys = true\nhash_secret_file = 3", "expected a path"),
        ("[identity.kinds.crm]\nignore_plus_tags = true", "whose normaliser is 'email'"),
        ("[identity.kinds.email]\nignore_gmail_dots = 'yes'", "true or false"),
        ("[identity.points]", "[[identity.points]]"),
        ("[[identity.points]]\nevent_type = 'a'\nproperty = 'b'", "identity.points[0].kind"),
        ("[[identity.points]]\nevent_type='a'\nproperty='b'\nkind='c'", "email, phone, user_id"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "onetrail.toml"
    path.write_text(text)
    with pytest.raises(InvalidSettings) as caught:
        load_policy(path, {})
    assert words in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match="cannot read"):
        load_policy(tmp_path / "missing.toml")


def test_a_kind_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "onetrail.toml"
    path.write_text(
        """
        [identity.kinds.crm]
        normaliser = "lower"
        exclusive = true
        blocked = ["None-Yet"]
        [identity.kinds.email]
        max_profile_ids = 5
        [[identity.points]]
        event_type = "order"
        property = "crm"
        kind = "crm"
        """
    )
    policy = load_policy(path)
    assert policy.kinds["crm"].blocked == JUNK | {"none-yet"}
    assert policy.exclusive_kinds == {"crm", "user_id"}
    assert (policy.kinds["email"].normaliser, policy.kinds["email"].max_profile_ids) == ("email", 5)
    assert policy.points["order"][0].kind == "crm"


def test_the_list_of_blocked_values_grows_or_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "onetrail.toml"
    path.write_text(
        """
        [identity.kinds.email]
        blocked = ["*@our-company.test"]
        [identity.kinds.user_id]
        default_blocked = false
        blocked = ["demo-*"]
        """
    )
    kinds = load_policy(path).kinds
    assert is_blocked(kinds["email"], "Bob@Our-Company.test")
    assert is_blocked(kinds["email"], "ann@example.com")
    assert is_blocked(kinds["user_id"], "demo-17")
    assert not is_blocked(kinds["user_id"], "guest")


@pytest.mark.parametrize("in_file", [True, False])
def test_the_secret_of_hashed_keys_comes_from_outside(tmp_path: Path, *, in_file: bool) -> None:
    path = tmp_path / "onetrail.toml"
    path.write_text(
        "[identity]\nhash_keys = true\n" + ("hash_secret_file = 'secret'" if in_file else "")
    )
    (tmp_path / "secret").write_text(f"{'s' * 40}\n")
    policy = load_policy(path, {} if in_file else {"ONETRAIL_HASH_SECRET": "s" * 40})
    assert policy.fingerprint == KeyHasher(b"s" * 40).fingerprint
    assert "ssss" not in repr(policy)
