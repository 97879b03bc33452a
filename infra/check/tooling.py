"""Tools of the checks in `infra`: installed on first use, pinned, and kept in `.kassa/`."""

import fcntl
import hashlib
import os
import shutil
import socket
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STATE = ROOT / ".kassa"
COMPLETE = "kassa-complete"
# The tests of this repository look for ports in the same range; reservations keep everybody apart.
PORTS = range(20_000, 32_000)


class Failed(Exception):
    """Something is not as it has to be."""


def require(condition, message):
    if not condition:
        raise Failed(message)


def run(*command, **options):
    """Runs a command, returns its output, and shows all of it if it fails."""
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, **options}
    finished = subprocess.run([str(part) for part in command], **options)
    if finished.returncode:
        raise Failed(f"{' '.join(map(str, command[:6]))} … ended with {finished.returncode}:\n{finished.stdout}")
    return finished.stdout


@contextmanager
def locked(path):
    """Keeps others from doing the same at the same time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def python_environment(name, requirements):
    """Returns a virtual environment that holds `requirements`, a file with pinned and hashed packages.

    The digest of the file is part of the folder's name, so a changed pin leads to a new environment.
    """
    require(sys.version_info >= (3, 11), f"the pinned tools need Python 3.11 or newer, and this is {sys.version.split()[0]}")
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()[:12]
    environment = STATE / "tools" / f"{name}-{digest}"
    with locked(environment.with_suffix(".lock")):
        if not (environment / COMPLETE).exists():
            shutil.rmtree(environment, ignore_errors=True)
            run(sys.executable, "-m", "venv", environment)
            run(
                environment / "bin/python", "-m", "pip", "install", "--quiet", "--require-hashes",
                "--only-binary", ":all:", "--no-input", "--disable-pip-version-check", "-r", requirements,
            )  # fmt: skip
            (environment / COMPLETE).touch()
    return environment


def system_packages(packages):
    """Installs Debian packages, given as a mapping from a program to the package that brings it."""
    missing = sorted({package for program, package in packages.items() if not shutil.which(program)})
    if not missing:
        return
    command = ["apt-get", "install", "--yes", "--no-install-recommends", *missing]
    require(
        os.geteuid() == 0 and shutil.which("apt-get"),
        f"these programs are missing, and only root on Debian installs them by itself: {' '.join(command)}",
    )
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    run("apt-get", "update", "--quiet", env=environment)
    run(*command, env=environment)


def reserve_ports(reservations, count):
    """Returns the first of `count` free ports in a row, kept for as long as `reservations`, an ExitStack, is open.

    The tests reserve theirs in the same way.
    """
    folder = STATE / "ports"
    folder.mkdir(parents=True, exist_ok=True)
    begins = range(PORTS.start, PORTS.stop - count, count)
    # Processes begin at different places, so that they seldom ask for the same port.
    middle = os.getpid() % len(begins)
    for begin in (*begins[middle:], *begins[:middle]):
        with ExitStack() as block:
            if all(_reserve(block, folder, port) for port in range(begin, begin + count)):
                reservations.enter_context(block.pop_all())
                return begin
    raise Failed(f"no {count} ports in a row are free from {PORTS.start} to {PORTS.stop}")


def _reserve(block, folder, port):
    file = block.enter_context((folder / str(port)).open("a"))
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", port))
        return True
    except OSError:
        return False
