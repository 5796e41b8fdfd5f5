"""What a client can influence on a server: a grammar's three values, and nothing else."""

import ast
import json
import os
import re
import subprocess
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.target.rig import FENCE, UNIT, Target, fence_module, order

FOLDER = FENCE.parent
FUTURE = "9999999999"
VALID = f"restart inc-1 1 {FUTURE}"

SHELL_TRICKS = [
    "$(touch {trap})",
    "`touch {trap}`",
    ";touch {trap}",
    "|touch {trap}",
    "&touch {trap}",
    "\ntouch {trap}",
    ">{trap}",
    "/../{trap}",
    " --restart-command={trap}",
    "*",
    "'",
    '"',
    "\\",
    "\x1b[2J",
    "\u0661",
    " ",
    "x" * 5000,
]


@pytest.fixture
def target(tmp_path: Path) -> Target:
    return Target(folder=tmp_path).install()


@pytest.mark.integration
@pytest.mark.parametrize("trick", SHELL_TRICKS)
def test_a_shell_s_characters_in_any_value_are_refused_and_run_nothing(target: Target, trick: str) -> None:
    trap = target.folder / "trap"
    for position in (1, 2, 3):
        words = VALID.split()
        words[position] += trick.format(trap=trap)
        done = target.ask(" ".join(words))
        assert (done.returncode, done.stdout) == (10, ""), words
    assert not trap.exists()
    assert not target.effects.exists()


@pytest.mark.integration
@pytest.mark.parametrize(
    "request_text",
    [
        "",
        "/bin/sh",
        "status payments.service",
        "Status",
        "restart",
        f"restart inc-1 0 {FUTURE}",
        f"restart inc-1 -1 {FUTURE}",
        f"restart inc-1 1e9 {FUTURE}",
        f"restart inc-1  1 {FUTURE}",
        f"restart other.service inc-1 1 {FUTURE}",
        f"{VALID} --restart-command /bin/true",
        f"--restart-command /bin/true {VALID}",
        "--create-state",
        f"{VALID}\n{VALID}",
        f"{VALID}\n",
        f" {VALID}",
        f"{VALID}Z",
        "restart inc-1 1 2026-11-22T09:00:00",
        "restart inc-1 1 2026-02-30T09:00:00Z",
        "restart inc-1 1 9999-12-31T24:00:00Z",
        "restart inc-1 1 1795338000000",
        "internal-sftp",
    ],
)
def test_anything_that_is_not_a_verb_is_refused(target: Target, request_text: str) -> None:
    assert target.ask(request_text).returncode == 10
    assert not target.effects.exists()


def is_an_order(text: str) -> bool:
    """Say it again, without a regular expression: the grammar's second opinion."""
    words = text.split(" ")
    if len(words) != 4 or words[0] != "restart" or not text.isascii():
        return False
    _, incident, fence, moment = words
    whole, dot, fraction = moment.partition(".")
    word = incident.replace(".", "0").replace("_", "0").replace("-", "0")
    return (
        word.isalnum()
        and incident[0].isalnum()
        and len(incident) <= 100
        and fence.isdigit()
        and fence[0] != "0"
        and len(fence) <= 18
        and whole.isdigit()
        and len(whole) == 10
        and (not dot or (fraction.isdigit() and len(fraction) <= 6))
    )


WORDS = st.one_of(
    st.text(max_size=12),
    st.text(alphabet="0123456789", min_size=1, max_size=12),
    st.from_regex(r"[A-Za-z0-9._\-]{1,12}", fullmatch=True),
    st.from_regex(r"[0-9]{10}(\.[0-9]{0,7})?", fullmatch=True),
)
REQUESTS = st.one_of(
    st.text(max_size=60),
    st.lists(WORDS, min_size=2, max_size=4).map(lambda words: " ".join(["restart", *words])),
    st.tuples(st.integers(0, len(VALID)), st.text(max_size=2)).map(
        lambda cut: VALID[: cut[0]] + cut[1] + VALID[cut[0] :]
    ),
)


@pytest.fixture(scope="module")
def fence() -> ModuleType:
    return fence_module()


@settings(max_examples=500, deadline=None)
@given(REQUESTS)
def test_whatever_is_sent_only_the_grammar_makes_an_order(fence: ModuleType, text: str) -> None:
    if is_an_order(text):
        assert " ".join(["restart", *map(str, fence.read_order(text)[:2])]) == text.rpartition(" ")[0]
    else:
        with pytest.raises(fence.Refused):
            fence.read_order(text)


@pytest.mark.integration
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=60).filter(
        lambda text: not is_an_order(text) and text != "status"
    )
)
def test_whatever_is_sent_nothing_else_is_run(target: Target, text: str) -> None:
    assert target.ask(text).returncode == 10
    assert not target.effects.exists()


def hostile_environment(folder: Path) -> dict[str, str]:
    """Return variables that would each make an unguarded program leave a file `trap` in the folder."""
    rogue = folder / "rogue"
    rogue.mkdir()
    for module in ("json", "argparse", "sitecustomize", "usercustomize"):
        (rogue / f"{module}.py").write_text(f"open({str(folder / 'trap')!r}, 'w').close()")
    for program in ("sudo", "systemctl", "python3"):
        (rogue / program).write_text(f"#!/bin/sh\ntouch {folder / 'trap'}\n")
        (rogue / program).chmod(0o755)
    return {
        **dict.fromkeys(("PATH", "PYTHONPATH", "PYTHONUSERBASE", "LD_LIBRARY_PATH", "HOME"), str(rogue)),
        **dict.fromkeys(("PYTHONSTARTUP", "BASH_ENV", "ENV"), str(rogue / "json.py")),
        "PYTHONINSPECT": "1",
        "PYTHONWARNINGS": "error",
        "LC_ALL": "xx_XX.UTF-8",
        "TZ": "Pacific/Kiritimati",
        "SYSTEMD_PAGER": "/bin/false",
        "SUDO_ASKPASS": str(rogue / "sudo"),
    }


@pytest.mark.integration
def test_a_client_s_environment_reaches_neither_the_command_nor_the_service_manager(target: Target) -> None:
    hostile = hostile_environment(target.folder)
    rogue = target.folder / "rogue"
    done = target.ask(order(), environment={**hostile, "PYTHONHOME": str(rogue)}, folder=rogue)
    assert done.returncode == 0, done.stderr
    assert not (target.folder / "trap").exists()
    seen = json.loads(target.effects.read_text().splitlines()[0])[2]
    assert seen == {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "TZ": "UTC"}


@pytest.mark.integration
def test_control_without_isolation_a_client_s_environment_runs_its_own_code(target: Target) -> None:
    hostile = hostile_environment(target.folder)
    command = [word for word in target.command() if word != "-IS"]
    subprocess.run(command, env=hostile, stdin=subprocess.DEVNULL, capture_output=True, timeout=30, check=False)
    assert (target.folder / "trap").exists()


@pytest.mark.integration
def test_a_time_zone_of_the_client_does_not_move_the_time(target: Target) -> None:
    past = order(seconds_left=-60)
    for zone in ("Pacific/Kiritimati", "Etc/GMT+12", "XXX-14"):
        assert target.ask(past, environment={"TZ": zone}).returncode == 13


@pytest.mark.integration
@pytest.mark.skipif(not Path("/usr/bin/python3").exists(), reason="needs the system's Python: apt-get install python3")
def test_it_runs_by_its_own_first_line(target: Target) -> None:
    command = [str(FENCE), *target.command()[3:]]
    done = subprocess.run(command, env={"SSH_ORIGINAL_COMMAND": order()}, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_its_first_line_shuts_the_environment_and_the_site_out() -> None:
    assert FENCE.read_text().splitlines()[0] == "#!/usr/bin/python3 -IS"
    assert os.access(FENCE, os.X_OK)


def test_it_is_written_for_python_3_6() -> None:
    ast.parse(FENCE.read_text(), feature_version=(3, 6))


@pytest.mark.parametrize("unit", ["payments", "../x.service", "-h.service", "a b.service", "a/b.service", ".service"])
def test_a_unit_that_is_no_service_s_name_is_not_accepted_on_the_forced_command(unit: str) -> None:
    with pytest.raises(SystemExit, match="2"):
        fence_module().read_options([f"--unit={unit}"])


def test_a_unit_whose_name_systemd_has_escaped_is_accepted() -> None:
    for unit in (r"web\x2dshop.service", r"mount-srv-my\x20data.service", "web@1.service"):
        assert fence_module().read_options(["--unit", unit]).unit == unit


def test_sudo_is_allowed_exactly_what_the_command_asks_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    fence = fence_module()
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    vector = fence.restart_vector(fence.read_options(["--unit", UNIT]))
    assert vector == ["sudo", "-n", "systemctl", "restart", UNIT]
    rules = re.findall(r"NOPASSWD: (.*)$", (FOLDER / "sudoers.example").read_text(), re.MULTILINE)
    assert rules == [f"/usr/bin/{' '.join(vector[2:])}"]


def test_the_example_key_is_restricted_to_a_command_that_is_understood() -> None:
    (line,) = re.findall(r"^command=.*$", (FOLDER / "authorized_keys.example").read_text(), re.MULTILINE)
    command, restrictions = re.findall(r'^command="([^"]+)",(\S+) ssh-ed25519 ', line)[0]
    assert restrictions == "restrict"
    program, *arguments = command.split()
    assert program == "/usr/local/bin/firstline-restart"
    assert fence_module().read_options(arguments).unit == UNIT


def test_the_exit_codes_in_the_readme_are_the_program_s() -> None:
    rows = re.findall(r"^\| (\d+) \| `([a-z_]+):` \|", (FOLDER / "README.md").read_text(), re.MULTILINE)
    codes = {int(code): name for code, name in rows if name != "usage"}
    assert codes == {code.value: code.name.lower() for code in fence_module().Exit if code}
