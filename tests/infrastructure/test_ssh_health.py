"""Health over ssh: the very script, run here on this machine's own /proc, with a systemctl of our own."""

import sys
from datetime import timedelta
from pathlib import Path

import pytest

from tests.fakes import START, FakeClock
from tests.infrastructure.local_shell import LocalShell
from worker.contract.observations import HealthReading, ServiceStatus
from worker.errors import SourceUnavailable
from worker.infrastructure.proc_files import cpu_percent_of, measured, memory_percent_of, sections_of
from worker.infrastructure.ssh_health import SshHealth

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

RECORDED = """motd of a strange host
@cpu
cpu  100 0 100 700 100 0 0 0 0 0
cpu  150 0 120 715 115 0 0 0 0 0
@cores
4
@memory
MemTotal:       1000 kB
MemAvailable:    250 kB
SwapTotal:       100 kB
SwapFree:         40 kB
@load
6.00 1.00 1.00 1/100 1234
@files
1000 0 10000
@disks
Filesystem 1024-blocks Used Available Capacity Mounted on
tmpfs 100 99 1 99% /run
/dev/sda1 100 83 17 83% /
/dev/sdb1 100 10 90 10% /srv/my data
@uptime
500.50 900.00
"""


def install(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def health(folder: Path, unit: str) -> HealthReading:
    install(folder, "systemctl", f"cat <<'END'\n{unit}\nEND")
    return SshHealth("web-01", ssh=LocalShell(folder), unit="web.service", clock=FakeClock()).read_health()


@on_linux
def test_this_machine_is_seen_with_its_units_and_the_unit_s_state(tmp_path: Path) -> None:
    reading = health(tmp_path, "LoadState=loaded\nActiveState=active\nNRestarts=3\nExecMainStartTimestampMonotonic=0")
    assert reading.status is ServiceStatus.RUNNING
    assert reading.cpu_percent is not None
    assert reading.memory_percent is not None
    assert 0 < reading.memory_percent < 100
    assert {measure.name for measure in reading.measures} >= {"load of one minute by core", "swap in use"}
    assert reading.figures == {
        "cpu_percent_of": "the whole machine",
        "memory_percent_of": "the whole machine",
        "restarts_by_systemd": 3,
    }
    assert reading.observed_at == START
    assert reading.service_started_at is None


@on_linux
def test_a_unit_s_own_figures_come_before_the_machine_s(tmp_path: Path) -> None:
    install(
        tmp_path,
        "systemctl",
        f"echo CPUUsageNSec=$(cat {tmp_path}/used)\necho ActiveState=active; echo CPUQuotaPerSecUSec=1s",
    )
    install(tmp_path, "sleep", f"echo 1500000000 > {tmp_path}/used; exec /bin/sleep 0.5")
    (tmp_path / "used").write_text("1000000000")
    reading = SshHealth("web-01", ssh=LocalShell(tmp_path), unit="web.service", clock=FakeClock()).read_health()
    assert reading.figures["cpu_percent_of"] == "the unit"
    assert reading.cpu_percent is not None
    assert 50 < reading.cpu_percent <= 105
    assert reading.figures["memory_percent_of"] == "the whole machine"
    assert "CPU of the whole machine" in {measure.name for measure in reading.measures}
    assert "memory of the whole machine" not in {measure.name for measure in reading.measures}


@on_linux
def test_a_start_is_counted_from_the_host_s_own_boot(tmp_path: Path) -> None:
    uptime = float(Path("/proc/uptime").read_text().split()[0])
    unit = f"LoadState=loaded\nActiveState=active\nExecMainStartTimestampMonotonic={int((uptime - 60) * 1e6)}"
    started_at = health(tmp_path, unit).service_started_at
    assert started_at is not None
    assert timedelta(seconds=59) < START - started_at < timedelta(seconds=75)


@on_linux
@pytest.mark.parametrize("started", ["9" * 15, "9" * 5_000, "0", "-1", "soon"])
def test_a_start_that_can_t_be_is_named_and_not_told(tmp_path: Path, started: str) -> None:
    reading = health(tmp_path, f"LoadState=loaded\nActiveState=active\nExecMainStartTimestampMonotonic={started}")
    assert reading.service_started_at is None
    assert "start time: the host did not say it in a form that is known" in reading.unread


@on_linux
@pytest.mark.parametrize(
    ("unit", "sentence"),
    [
        ("LoadState=not-found\nActiveState=inactive", "systemd of web-01 has no unit web.service: correct it."),
        ("nonsense", "systemd of web-01 did not say how web.service is."),
        ("ActiveState=maintenance", "systemd of web-01 did not say how web.service is."),
    ],
)
def test_a_unit_that_nobody_knows_is_a_sentence(tmp_path: Path, unit: str, sentence: str) -> None:
    with pytest.raises(SourceUnavailable) as raised:
        health(tmp_path, unit)
    assert str(raised.value) == sentence


def test_figures_are_those_of_the_text() -> None:
    sections = sections_of(RECORDED)
    assert cpu_percent_of(sections) == 70.0
    assert memory_percent_of(sections) == 75.0
    measures, unread = measured(sections, source="x")
    assert {measure.name: (measure.value, measure.unit) for measure in measures} == {
        "fullest disk": (83, "percent"),
        "load of one minute by core": (1.5, "count"),
        "swap in use": (61_440, "bytes"),
        "file handles": (10, "percent"),
    }
    assert unread == ()


def test_figures_that_can_t_be_are_no_figures() -> None:
    endless = "9" * 400
    lies = (
        RECORDED.replace("MemAvailable:    250", "MemAvailable:    2500")
        .replace("6.00", "inf")
        .replace(" 83%", " nan%")
    )
    sections = sections_of(lies.replace("1000 0 10000", f"{endless} 0 1"))
    with pytest.raises(ValueError, match="more available than there is"):
        memory_percent_of(sections)
    with pytest.raises(ValueError, match="more idle"):
        cpu_percent_of(sections_of(RECORDED.replace("150 0 120 715", "90 0 90 715")))
    assert {measure.name for measure in measured(sections, source="x")[0]} == {"swap in use"}


@pytest.mark.parametrize("text", ["", "@cpu\n@memory\n@load\n@files\n@disks", "@load\nx y\n@files\n1 2\n@disks\nh\n"])
def test_what_is_missing_or_broken_is_named(text: str) -> None:
    measures, unread = measured(sections_of(text), source="x")
    assert measures == ()
    assert [sentence.partition(":")[0] for sentence in unread] == [
        "fullest disk",
        "load of one minute by core",
        "swap in use",
        "file handles",
    ]


def test_a_systemd_escaped_name_reaches_systemctl_unharmed(tmp_path: Path) -> None:
    install(tmp_path, "systemctl", f'echo "$2" >> {tmp_path}/asked; echo ActiveState=active')
    unit = r"web\x2dshop@a.service"
    SshHealth("web-01", ssh=LocalShell(tmp_path), unit=unit, clock=FakeClock()).read_health()
    assert set((tmp_path / "asked").read_text().splitlines()) == {unit}
