"""Promise: `./tandem` starts from anywhere, prepares once, survives two starts at once and an interruption.

The script is copied into a folder with a space in its name. Python, pip and uv are stand-ins on its path that note each call,
so nothing is fetched.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from house.sources import ROOT

#: Stands in for every Python: makes environments that hold itself and uv, and tells how it was called.
PYTHON = r"""#!/bin/sh
case "$*" in
    "-c import ensurepip, venv") [ ! -e "$STAND_INS/no-venv" ]; exit ;;
    *version_info\[:2\]*) echo 3.11; exit ;;
    -c*) exit ;;
esac
case "$1 $2" in
    "-m venv")
        for place; do :; done
        mkdir -p "$place/bin" "$place/lib/python3.11/site-packages"
        cp "$STAND_INS/python3.11" "$place/bin/python"
        cp "$STAND_INS/uv" "$place/bin/uv"
        echo "venv ${place##*/}" >>"$STAND_INS/calls" ;;
    "-m pip") echo "pip" >>"$STAND_INS/calls" ;;
    "-m compileall") echo "compileall" >>"$STAND_INS/calls" ;;
    *) printf '%s|' "$PWD" "$@" ;;
esac
"""
UV = r"""#!/bin/sh
echo noise
echo "uv $*" >>"$STAND_INS/calls"
[ ! -e "$STAND_INS/slow" ] || { mkfifo "$STAND_INS/wait" 2>/dev/null || :; read -r _ <"$STAND_INS/wait"; }
[ ! -e "$STAND_INS/broken" ]
"""
APT = '#!/bin/sh\necho "apt $*" >>"$STAND_INS/calls"\n[ "$1" = update ] || rm "$STAND_INS/no-venv"\n'
RUN = ("requirements.txt", "requirements-dev.txt", "requirements-tools.txt")


@dataclass(frozen=True)
class Checkout:
    """A copy of the script, and the folder of the stand-ins."""

    root: Path
    stand_ins: Path

    def start(self, *words: str, command: Path | None = None, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run the command and wait."""
        call = [str(command or self.root / "tandem"), *words]
        return subprocess.run(
            call, capture_output=True, text=True, cwd=cwd or self.root.parent, env=self.environment(), check=False, timeout=60
        )

    def environment(self) -> dict[str, str]:
        """Return an environment in which the stand-ins come first."""
        path = f"{self.stand_ins}{os.pathsep}{os.environ['PATH']}"
        return {"PATH": path, "STAND_INS": str(self.stand_ins), "PYTHONDONTWRITEBYTECODE": "1"}

    def calls(self) -> list[str]:
        """Return the calls of the stand-ins since the last question, each by its first words."""
        log = self.stand_ins / "calls"
        lines = log.read_text().splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return [" ".join(line.split()[:2]) if line.startswith(("venv", "apt")) else line.split()[0] for line in lines]


PREPARED = ["venv .tools", "pip", "venv .venv", "uv", "compileall"]


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """Return a fresh checkout in a folder with a space in its name."""
    root, stand_ins = tmp_path / "my check out", tmp_path / "stand-ins"
    (root / "src").mkdir(parents=True)
    stand_ins.mkdir()
    for name in ("tandem", *RUN):
        shutil.copy(ROOT / name, root / name)
    for name, text in {"python3.11": PYTHON, "uv": UV}.items():
        (stand_ins / name).write_text(text)
        (stand_ins / name).chmod(0o755)
    return Checkout(root, stand_ins)


def test_the_first_start_prepares_and_the_second_does_not(checkout: Checkout) -> None:
    """All is installed once; standard output holds what the command printed and nothing else."""
    first = checkout.start("sync", "a b")

    assert first.returncode == 0, first.stderr
    assert checkout.calls() == PREPARED
    assert first.stdout == f"{checkout.root.parent}|-P|-m|tandem|sync|a b|"
    assert "preparing" in first.stderr

    second = checkout.start("sync", "a b")

    assert (second.stdout, second.stderr) == (first.stdout, "")
    assert checkout.calls() == []


def test_the_package_is_found_through_a_relative_path(checkout: Checkout) -> None:
    """The environment points to src relative to itself, so that a checkout may be moved."""
    checkout.start()
    site = checkout.root / ".venv/lib/python3.11/site-packages"

    assert (site / (site / "tandem.pth").read_text().strip()).resolve() == checkout.root / "src"


def test_it_starts_through_a_link_and_from_elsewhere(checkout: Checkout, tmp_path: Path) -> None:
    """A symbolic link leads to the checkout; the command runs in the caller's folder."""
    link = tmp_path / "elsewhere" / "tandem"
    link.parent.mkdir()
    link.symlink_to("../my check out/tandem")

    assert checkout.start("x", command=link, cwd=link.parent).stdout == f"{link.parent}|-P|-m|tandem|x|"
    assert (checkout.root / ".venv").is_dir()


def test_changed_requirements_are_installed(checkout: Checkout) -> None:
    """When the requirements file changes, the next start installs it into the same environment."""
    checkout.start()
    checkout.calls()
    with (checkout.root / "requirements.txt").open("a") as file:
        file.write("# more\n")

    checkout.start()

    assert checkout.calls() == ["uv", "compileall"]


def test_what_tests_need_serves_the_other_commands(checkout: Checkout) -> None:
    """After the tests' packages nothing is missing for a start; but a changed list is."""
    checkout.start("test")
    checkout.calls()

    checkout.start("x")

    assert checkout.calls() == []


def test_an_interrupted_installation_is_done_again(checkout: Checkout) -> None:
    """What a failed installation left behind is thrown away by the next start, and nothing runs on it."""
    (checkout.stand_ins / "broken").touch()
    failed = checkout.start()
    (checkout.stand_ins / "broken").unlink()

    assert (failed.returncode, failed.stdout) == (1, "")
    assert "safe to try again" in failed.stderr
    assert checkout.calls() == PREPARED[:-1]

    assert checkout.start().returncode == 0
    assert checkout.calls() == ["venv .venv", "uv", "compileall"]


def test_a_lost_python_is_replaced(checkout: Checkout) -> None:
    """An environment whose Python went away with a system upgrade is made again."""
    checkout.start()
    checkout.calls()
    (checkout.root / ".venv/bin/python").unlink()

    assert checkout.start().returncode == 0
    assert checkout.calls() == ["venv .venv", "uv", "compileall"]


def test_two_starts_at_once_prepare_once(checkout: Checkout) -> None:
    """The second start waits for the first and then finds everything done."""
    (checkout.stand_ins / "slow").touch()
    os.mkfifo(checkout.stand_ins / "wait")
    call, pipe = [str(checkout.root / "tandem"), "x"], subprocess.PIPE
    both = [subprocess.Popen(call, stdout=pipe, stderr=pipe, text=True, env=checkout.environment()) for _ in range(2)]

    (checkout.stand_ins / "wait").write_text("go\n")  # opens when the one that installs reads
    answers = [start.communicate(timeout=60) for start in both]

    assert [start.returncode for start in both] == [0, 0], answers
    assert checkout.calls() == PREPARED


def test_no_python_is_said(checkout: Checkout) -> None:
    """Without a fitting Python the message says which one is needed, and nothing is made."""
    for name in ("python3.11", "python3", "python3.12", "python3.13"):
        (checkout.stand_ins / name).write_text("#!/bin/sh\nexit 1\n")
        (checkout.stand_ins / name).chmod(0o755)

    answer = checkout.start()

    assert answer.returncode == 1
    assert "Python 3.11 or newer" in answer.stderr
    assert not (checkout.root / ".venv").exists()


@pytest.mark.parametrize("user", ["0", "1000"])
def test_a_missing_venv_module(checkout: Checkout, user: str) -> None:
    """Debian's package is installed where that needs no password; else its name is said."""
    (checkout.stand_ins / "no-venv").touch()
    for name, text in {"apt-get": APT, "sudo": "#!/bin/sh\nexit 1\n", "id": f"#!/bin/sh\necho {user}\n"}.items():
        (checkout.stand_ins / name).write_text(text)
        (checkout.stand_ins / name).chmod(0o755)

    answer = checkout.start()

    if user == "0":
        assert answer.returncode == 0, answer.stderr
        assert checkout.calls() == ["apt update", "apt install", *PREPARED]
    else:
        assert (answer.returncode, checkout.calls()) == (1, [])
        assert "sudo apt-get install python3.11-venv" in answer.stderr


def test_an_unknown_benchmark_is_said_in_one_line(checkout: Checkout) -> None:
    """A name that is no benchmark is answered without installing anything."""
    answer = checkout.start("bench", "speed")

    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr.startswith("tandem: no such benchmark; there are: first-sync ")
    assert checkout.calls() == []


def test_stamps_hold_the_hash(checkout: Checkout) -> None:
    """A stamp is the hash of the file that the environment was made from."""
    checkout.start()
    wanted = hashlib.sha256((ROOT / "requirements.txt").read_bytes()).hexdigest()

    assert (checkout.root / ".venv/stamp-requirements.txt").read_text().split()[0] == wanted


def test_ci_runs_the_tests_and_nothing_else() -> None:
    """Continuous integration calls ./tandem test."""
    lines = [line for line in (ROOT / ".ci/run").read_text().splitlines() if line and not line.startswith("#")]

    assert lines[-1] == 'exec ./tandem test "$@"'
    assert len(lines) <= 3
