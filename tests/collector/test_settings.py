"""Four layers, each stronger than the one before; a wrong setting says what would be right."""

import itertools
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from onetrail import Settings as SdkSettings
from onetrail_collector.cli.config import to_line, to_toml
from onetrail_collector.identity.blocked import JUNK
from onetrail_collector.identity.hashing import KeyHasher
from onetrail_collector.identity.keys import is_blocked
from onetrail_collector.settings import SETTINGS, InvalidSettings, Setting, load, load_policy
from onetrail_collector.settings.layers import SDK_VARIABLES

DOCS = Path(__file__).parents[2] / "docs" / "configuration.md"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No onetrail.toml of somebody else is read."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    "given",
    [
        list(names)
        for count in range(4)
        for names in itertools.combinations(["file", "env", "flag"], count)
    ],
    ids="+".join,
)
def test_the_strongest_layer_wins_and_is_named(tmp_path: Path, given: list[str]) -> None:
    path = tmp_path / "some.toml"
    path.write_text("port = 1" if "file" in given else "")
    found = load(
        path,
        {"ONETRAIL_PORT": "2"} if "env" in given else {},
        {"port": "3"} if "flag" in given else {},
    )
    strongest = max(given, key=["file", "env", "flag"].index, default="default")
    expected = {
        "default": (8000, "default"),
        "file": (1, f"file {path}"),
        "env": (2, "env ONETRAIL_PORT"),
        "flag": (3, "flag --port"),
    }
    assert (found.settings.port, found.origins["port"]) == expected[strongest]
    assert found.origins["host"] == "default"


def test_the_file_is_the_named_one_or_that_of_the_variable_or_the_one_that_is_here(
    tmp_path: Path,
) -> None:
    for name, port in [("onetrail.toml", 1), ("variable.toml", 2), ("named.toml", 3)]:
        (tmp_path / name).write_text(f"port = {port}")
    variable = {"ONETRAIL_CONFIG": "variable.toml"}
    assert load(Path("named.toml"), variable).settings.port == 3
    assert load(None, variable).settings.port == 2
    assert load().settings.port == 1


@pytest.mark.parametrize(
    ("environ", "flags", "words"),
    [
        ({"ONETRAIL_POTR": "1"}, {}, "did you mean 'ONETRAIL_PORT'?"),
        ({"ONETRAIL_IDENTITY_PHONE_REGION": "CH"}, {}, "'ONETRAIL_IDENTITY__PHONE_REGION'"),
        ({"ONETRAIL_CONFIGG": "x"}, {}, "'ONETRAIL_CONFIG'"),
        ({"ONETRAIL_PORT": "x"}, {}, "port is 'x' (env ONETRAIL_PORT); expected int"),
        ({"ONETRAIL_PORT": "70000"}, {}, "<= 65535"),
        ({"ONETRAIL_IDENTITY__POINTS": "[{"}, {}, "identity.points is '[{'"),
        ({"ONETRAIL_CONFIG": "missing.toml"}, {}, "cannot read missing.toml"),
        ({}, {"demo": "perhaps"}, "demo is 'perhaps' (flag --demo); expected true or false"),
        ({}, {"durability": "half"}, "expected full or normal"),
        ({}, {"identity.fone_region": "CH"}, "did you mean 'identity.phone_region'?"),
    ],
)
def test_a_wrong_variable_or_flag_is_named(
    environ: dict[str, str], flags: dict[str, str], words: str
) -> None:
    with pytest.raises(InvalidSettings) as caught:
        load(None, environ, flags)
    assert words in str(caught.value)


def test_variables_of_others_are_left_alone() -> None:
    """The SDK's, and those that Kubernetes sets for a service named onetrail."""
    names = {"URL", "SOURCE", *(name.upper() for name in SdkSettings._fields)}
    assert {f"ONETRAIL_{name}" for name in names} == SDK_VARIABLES
    kubernetes = {"ONETRAIL_PORT": "tcp://10.0.0.1:8000", "ONETRAIL_SERVICE_HOST": "10.0.0.1"}
    found = load(None, dict.fromkeys(SDK_VARIABLES, "x") | kubernetes)
    assert set(found.origins.values()) == {"default"}


@pytest.mark.parametrize("text", ["1", "true", "Yes", "on"])
def test_truth_is_spelt_in_many_ways(text: str) -> None:
    assert load(None, {"ONETRAIL_DEMO": text}).settings.demo is True


def test_tables_and_lists_come_as_json_in_the_environment() -> None:
    rule = '[{"event_type": "order", "property": "mail", "kind": "email"}]'
    policy = load(None, {"ONETRAIL_IDENTITY__POINTS": rule}).settings.policy
    assert policy.points["order"][0].property == "mail"


def config(*words: str, cwd: Path, **environ: str) -> str:
    command = [sys.executable, "-m", "onetrail_collector", "config", *words]
    return subprocess.run(
        command, cwd=cwd, env=environ, check=True, capture_output=True, text=True, timeout=20
    ).stdout


def test_config_prints_what_holds_as_a_file_that_says_the_same(tmp_path: Path) -> None:
    (tmp_path / "onetrail.toml").write_text(
        """
        durability = "normal"
        [identity.kinds.crm]
        blocked = ['say "none"']
        """
    )
    said = config(
        "--port", "1", "--set", "identity.phone_region=CH", cwd=tmp_path, ONETRAIL_DEMO="1"
    )
    origins = dict(re.findall(r"^(?:# )?([\w.]+) .*# (.*)$", said, re.MULTILINE))
    assert origins["durability"] == "file onetrail.toml"
    assert origins["demo"] == "env ONETRAIL_DEMO"
    assert origins["port"] == "flag --port"
    assert origins["identity.phone_region"] == "flag --set identity.phone_region"
    assert origins["host"] == "default"
    assert set(origins) == set(SETTINGS)

    (tmp_path / "onetrail.toml").write_text(said)
    assert config(cwd=tmp_path).count("# file onetrail.toml") >= 6
    again = load(tmp_path / "onetrail.toml").settings
    assert (again.durability, again.demo, again.port) == ("normal", True, 1)
    assert again.policy.kinds["crm"].blocked == JUNK | {'say "none"'}


def test_secrets_are_masked_in_print_and_in_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = Setting("port", int, 0, "", secret=True)
    assert to_line(secret, "hunter2") == 'port = "***"'
    monkeypatch.setattr("onetrail_collector.settings.layers.SETTINGS", {"port": secret})
    with pytest.raises(InvalidSettings) as caught:
        load(None, {"ONETRAIL_PORT": "hunter2"})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "value", [True, 7, 0.5, 'a "b" \\ \n ü', ["a", 1], {"a b": {"c": [1]}}, {}]
)
def test_values_are_printed_as_toml(value: Any) -> None:
    assert tomllib.loads(f"x = {to_toml(value)}")["x"] == value


def test_every_setting_is_documented_as_it_is_in_the_code() -> None:
    documented = DOCS.read_text().splitlines()
    for setting in SETTINGS.values():
        default = "none" if setting.default is None else f"`{to_toml(setting.default)}`"
        row = f"| `{setting.name}` | {default} | {setting.description} |"
        assert row in documented, (
            f"docs/configuration.md lacks this row, or has it otherwise:\n{row}"
        )
    rows = re.findall(r"^\| `([\w.]+)` \|", DOCS.read_text(), re.MULTILINE)
    assert set(rows) == set(SETTINGS), "a row of docs/configuration.md names what is not a setting"


def test_the_database_of_other_commands_is_the_configured_one(tmp_path: Path) -> None:
    (tmp_path / "onetrail.toml").write_text('db = "mine.db"')
    command = [sys.executable, "-m", "onetrail_collector", "sources", "add", "web"]
    subprocess.run(command, cwd=tmp_path, env={}, check=True, timeout=20)
    assert (tmp_path / "mine.db").exists()
    assert not (tmp_path / "onetrail.db").exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x", "is not TOML"),
        ("[identty]", "did you mean 'identity'?"),
        ("identity = 3", "expected a table"),
        ("[identity]\nphone_region = 'Swiss'", "'CH'"),
        ("[identity.kinds.crm]\nexclusiv = true", "did you mean 'exclusive'?"),
        ("[identity.kinds.crm]\nexclusive = 1", "true or false"),
        ('[identity.kinds."a:b"]', "identity.kinds.'a:b': a kind's name has 1 to 64 characters"),
        ('[identity.kinds."a b"]', "_ and -"),
        ('[identity.kinds."a.b"]', "_ and -"),
        ('[identity.kinds.""]', "_ and -"),
        (f"[identity.kinds.{'x' * 65}]", "1 to 64 characters"),
        ("[identity.kinds.crm]\nmax_profile_ids = -1", "not negative"),
        ("[identity.kinds.crm]\nnormaliser = 'soundex'", "text, lower, digits, email, phone, uuid"),
        ("[identity.kinds.crm]\nblocked = 'x'", "a list of texts"),
        ("[identity]\nhash_keys = 1", "true or false"),
        ("[identity]\nhash_keys = true", "identity.hash_secret holds 0"),
        ("[identity]\nhash_keys = true\nhash_secret_file = 'no'", "cannot read it"),
        ("[identity]\nhash_keys = true\nhash_secret_file = 3", "hash_secret_file is 3"),
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
    assert policy.kinds["crm"].blocked == JUNK | {"none-yet"}
    assert policy.exclusive_kinds == {"crm", "user_id"}
    assert (policy.kinds["email"].normaliser, policy.kinds["email"].max_profile_ids) == ("email", 5)
    assert policy.points["order"][0].kind == "crm"


@pytest.mark.parametrize(
    ("table", "priority"),
    [
        ("crm]\nexclusive = true", 10),  # before what two customers may share
        ("crm]\nexclusive = true\npriority = 100", 100),
        ("crm]", 100),
        ("phone]\nexclusive = true", 10),
        ("phone]", 30),
        ("user_id]\nexclusive = false", 10),
    ],
)
def test_an_exclusive_kind_is_considered_first(tmp_path: Path, table: str, priority: int) -> None:
    path = tmp_path / "onetrail.toml"
    path.write_text(f"[identity.kinds.{table}")
    kind = table.partition("]")[0]
    assert load_policy(path).kinds[kind].priority == priority


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
    environ = {} if in_file else {"ONETRAIL_IDENTITY__HASH_SECRET": "s" * 40}
    policy = load(path, environ).settings.policy
    assert policy.fingerprint == KeyHasher(b"s" * 40).fingerprint
    assert "ssss" not in repr(policy)
