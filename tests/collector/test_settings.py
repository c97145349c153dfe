"""A wrong setting names itself, and says what would be right."""

from pathlib import Path

import pytest

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
        ("[identity.kinds.crm]\nnormaliser = 'soundex'", "text, lower, email, phone"),
        ("[identity.kinds.crm]\nblocked = 'x'", "a list of texts"),
        ("[identity.points]", "[[identity.points]]"),
        ("[[identity.points]]\nevent_type = 'a'\nproperty = 'b'", "identity.points[0].kind"),
        ("[[identity.points]]\nevent_type='a'\nproperty='b'\nkind='c'", "email, phone, user_id"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "onetrail.toml"
    path.write_text(text)
    with pytest.raises(InvalidSettings) as caught:
        load_policy(path)
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
    assert policy.kinds["crm"].blocked == {"none-yet"}
    assert policy.exclusive_kinds == {"crm", "user_id"}
    assert (policy.kinds["email"].normaliser, policy.kinds["email"].max_profile_ids) == ("email", 5)
    assert policy.points["order"][0].kind == "crm"
