"""A real sshd on loopback for tests: started in a folder with its keys, ended by its pid."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

__all__ = ["free_port", "make_keys", "pin", "require_sshd", "running_sshd"]

_SBIN = "/usr/sbin:/usr/local/sbin:/sbin"


def make_keys(folder: Path, *names: str) -> None:
    """Make a key pair for each name."""
    for name in names:
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)


def pin(folder: Path, port: int, name: str) -> None:
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {(folder / f'{name}.pub').read_text()}")


def require_sshd() -> str:
    """Return sshd's path; skip the test when there is none, or fail in CI (environment variable `CI`)."""
    program = shutil.which("sshd", path=_SBIN)
    if program is not None and shutil.which("ssh") is not None:
        return program
    reason = "no sshd on this machine: apt-get install openssh-server"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def running_sshd(folder: Path) -> Iterator[int]:
    """Keep an sshd on loopback whose administrator lets every variable of a client through."""
    program = require_sshd()
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # what the distribution's service does before it starts
    port = free_port()
    settings = [
        f"ListenAddress 127.0.0.1:{port}",
        f"HostKey {folder}/host_key",
        f"AuthorizedKeysFile {folder}/authorized_keys",
        "AcceptEnv *",
        "AuthenticationMethods publickey",
        "PermitRootLogin forced-commands-only",
        "PidFile none",
        "StrictModes no",
        "Subsystem sftp internal-sftp",
        "UsePAM no",
    ]
    (folder / "sshd_config").write_text("\n".join(settings) + "\n")
    with (folder / "sshd.log").open("wb") as log:
        server = subprocess.Popen([program, "-D", "-e", "-f", folder / "sshd_config"], stderr=log)
    try:
        wait_for_banner(port, server, folder / "sshd.log")
        yield port
    finally:
        server.terminate()
        server.wait(10)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for_banner(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    give_up = time.monotonic() + 10
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
                assert connection.recv(4) == b"SSH-"
                return
        except OSError:
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < give_up, log.read_text()
            time.sleep(0.05)
