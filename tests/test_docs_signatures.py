"""The three programs in docs/identity.md make the signature that the collector expects."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from onetrail_collector.identity.signatures import sign

PAGE = Path(__file__).parent.parent / "docs" / "identity.md"
SECRET, EMAIL = "5f" * 32, "Änn@shop.test"
PROGRAMS = {
    "python": (
        [sys.executable, "-"],
        f'SECRET = "{SECRET}"\nemail = "{EMAIL}"\n%s\nprint(signature)',
    ),
    "js": (
        ["node", "--input-type=module", "-"],
        f'const SECRET = "{SECRET}", email = "{EMAIL}";\n%s\nconsole.log(signature);',
    ),
    "php": (["php"], f"<?php $SECRET = '{SECRET}'; $email = '{EMAIL}';\n%s\necho $signature;"),
}


@pytest.mark.parametrize("language", PROGRAMS)
def test_the_documented_program_signs(language: str) -> None:
    command, program = PROGRAMS[language]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    found = re.search(
        rf"^```{language} signature\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE
    )
    assert found is not None
    done = subprocess.run(
        command, input=program % found[1], capture_output=True, text=True, check=True, timeout=30
    )
    assert done.stdout.strip() == sign(SECRET, "email", EMAIL)
