r"""A sandbox: one worker process that sees no network, home, other submission, solution or check.

Bubblewrap makes it. Besides its empty namespaces there are limits on memory, CPU, processes, file
sizes and disk, a filter against system calls that bypass them, and a watch over the whole tree.
"""

import contextlib
import errno
import os
import platform
import secrets
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import lrcourse
from lrcourse.grading import GradingError, protocol

PACKAGE = Path(lrcourse.__file__).resolve().parent
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
REMEDY = """Student code must not run without a sandbox, and none works here.
- Debian, Ubuntu, Fedora, Arch, WSL2: install the package `bubblewrap`.
- "setting up uid map: Permission denied" on Ubuntu 23.10 and later: AppArmor forbids it. As root,
  load its profile bwrap-userns-restrict, or
  sysctl -w kernel.apparmor_restrict_unprivileged_userns=0
- Inside Docker or Kubernetes: run the grader outside, or let its seccomp profile allow user
  namespaces.
- macOS and Windows: grade in a Linux machine, a virtual one too, or in WSL2."""
STARTING = 60  # seconds of CPU time to import what answers need
# Memory that no limit sees (memfd, System V, sockets), tracing, namespaces, doors to the kernel. A
# virtual machine's host answers on one kind of socket, whatever the network namespace.
EVERYWHERE = (*range(425, 434), 442, 447)  # io_uring, mounts, secret memory
FORBIDDEN = {  # machine: its number in <linux/audit.h>, that of clone, numbers of its system calls
    "x86_64": (
        0xC000003E,
        56,
        (
            *EVERYWHERE,
            29,
            41,
            53,
            64,
            68,
            101,
            165,
            248,
            249,
            250,
            272,
            298,
            308,
            310,
            311,
            319,
            321,
            323,
        ),
    ),
    "aarch64": (
        0xC00000B7,
        220,
        (
            *EVERYWHERE,
            40,
            97,
            117,
            186,
            190,
            194,
            198,
            199,
            217,
            218,
            219,
            241,
            268,
            270,
            271,
            279,
            280,
            282,
        ),
    ),
}
CLONE3, NEW_USER = 435, 0x10000000
LOOKS = 0.1  # seconds from one look at what a sandbox uses to the next, where looking is cheap
RARELY = 10  # times as long as a look takes: on a busy machine looking must not be all that is done
LONGEST_LOOK = 1.0  # seconds that count from one look to the next: a late one is not the answer's


@dataclass(frozen=True)
class Limits:
    r"""What one exercise, with all processes that it starts, may use.

    Attributes:
        cpu: seconds of CPU time.
        idle: seconds without any activity while the grader waits.
        wall: seconds by the clock; generous, since the machine may be busy.
        memory: MiB, of each process and of all together; a CUDA build of torch maps 3,136.
        disk: MiB of temporary files; also of one file.
        processes: processes and threads.
    """

    cpu: int = 10
    idle: int = 10
    wall: int = 120
    memory: int = 4096
    disk: int = 64
    processes: int = 64


class Lost(Exception):
    r"""The sandbox is gone or can no longer be trusted; the message is for the student."""


class Died(Lost):
    r"""The process ended by itself: the answer ended it, or someone outside did."""


def ensure(kind: str) -> None:
    r"""Raise GradingError unless a sandbox of this kind works here, now, for this user."""
    if os.geteuid() == 0:
        raise GradingError(
            "As root the limits on processes do not hold: run the grader as an ordinary user "
            "(for example  runuser -u nobody -- lrcourse grade ..., with folders that it may use)."
        )
    if kind == "none":
        return
    if shutil.which("bwrap") is None:
        raise GradingError(f"The program `bwrap` is not installed.\n{REMEDY}")
    sandbox = None
    try:
        sandbox = Sandbox(kind, Limits(idle=60), errors=subprocess.PIPE)
        sandbox.request("prepare")
    except (Lost, OSError) as error:
        said = str(error)
        if sandbox is not None:
            sandbox.process.kill()
            said = sandbox.process.communicate()[1].decode(errors="replace").strip() or said
        raise GradingError(f"`bwrap` does not work here: {said[-500:]}\n{REMEDY}") from None
    finally:
        if sandbox is not None:
            sandbox.close()


def _worker(limits: Limits, alone: bool) -> list[str]:
    sizes = (limits.cpu, limits.memory, limits.disk, limits.processes)
    end = ["alone"] if alone else []
    return ["-B", "-P", "-s", "-m", "lrcourse.grading.worker", *map(str, sizes), *end]


def _bubblewrap(limits: Limits) -> list[str]:
    line = ["bwrap", "--unshare-all", "--unshare-user", "--die-with-parent", *_newer_options()]
    line += ["--new-session", "--cap-drop", "ALL", "--hostname", "sandbox", "--clearenv"]
    for name in ("/usr", "/bin", "/lib", "/lib32", "/lib64", "/sbin"):
        if os.path.islink(name):
            line += ["--symlink", os.readlink(name), name]
        elif os.path.isdir(name):
            line += ["--ro-bind", name, name]
    for name in ("/etc/ld.so.cache", "/etc/alternatives", "/etc/fonts"):
        line += ["--ro-bind-try", name, name]
    size = ["--size", str(limits.disk * 2**20)]
    line += [*size, "--tmpfs", "/tmp"]  # first, since later folders may lie inside it
    for folder in dict.fromkeys((sys.base_prefix, sys.prefix)):
        if not folder.startswith("/usr"):
            line += ["--ro-bind", folder, folder]
    line += ["--ro-bind", str(PACKAGE), "/site/lrcourse"]
    for package in [Path("/site/lrcourse"), *_installed()]:
        here = PACKAGE if package.parts[1] == "site" else package
        for part in ("course/solutions", "course/chapters"):
            if (here / part).is_dir():
                line += ["--tmpfs", str(package / part), "--remount-ro", str(package / part)]
    line += ["--proc", "/proc", "--dev", "/dev", *size, "--tmpfs", "/dev/shm"]
    line += ["--remount-ro", "/dev", "--remount-ro", "/"]
    settings = {"PATH": "/usr/bin:/bin", "HOME": "/tmp", "LANG": "C.UTF-8", "PYTHONPATH": "/site"}
    settings |= {"MPLBACKEND": "agg", **dict.fromkeys(THREADS, "1")}
    for name, value in settings.items():
        line += ["--setenv", name, value]
    return [*line, "--chdir", "/tmp"]


def readable_folders() -> list[Path]:
    r"""Return the folders of this machine that every submission in bubblewrap can read."""
    bound = ["/usr", "/bin", "/lib", "/lib32", "/lib64", "/sbin", sys.base_prefix, sys.prefix]
    return [*map(Path, bound), PACKAGE]


@cache
def _newer_options() -> list[str]:
    told = subprocess.run(["bwrap", "--help"], capture_output=True, text=True, check=False).stdout
    return [option for option in ("--disable-userns",) if option in told]  # since 0.8


def _installed() -> list[Path]:
    # A copy of lrcourse inside the environment, which is bound too.
    return [p for p in Path(sys.prefix).glob("lib/python*/site-packages/lrcourse") if p.is_dir()]


def _filter() -> bytes:
    # A BPF program: another architecture is killed, a forbidden call fails, the rest is allowed.
    machine, clone, calls = FORBIDDEN[platform.machine()]
    load, equal, at_least, has_bits, end = 0x20, 0x15, 0x35, 0x45, 0x06
    steps = [(load, 0, 0, 4), (equal, 1, 0, machine), (end, 0, 0, 0x80000000), (load, 0, 0, 0)]
    steps.append((at_least, len(calls) + 5, 0, 0x40000000))  # x32, other numbers for the same calls
    steps += [(equal, len(calls) - i + 4, 0, call) for i, call in enumerate(calls)]
    # clone3 "does not exist", since its flags cannot be read; then clone is used, whose can.
    steps += [(equal, 5, 0, CLONE3), (equal, 0, 2, clone), (load, 0, 0, 16)]
    steps += [(has_bits, 1, 0, NEW_USER), (end, 0, 0, 0x7FFF0000)]
    steps += [(end, 0, 0, 0x00050000 | errno.EPERM), (end, 0, 0, 0x00050000 | errno.ENOSYS)]
    return b"".join(struct.pack("=HBBI", *step) for step in steps)


class Sandbox:
    r"""One worker in its sandbox.

    Args:
        kind: "bubblewrap" or "none".
        limits: what an exercise may use.
        errors: where the sandbox's own error output goes.
    """

    def __init__(self, kind: str, limits: Limits, errors: int | None = None) -> None:
        self.limits, self.folder = limits, None
        environment, fds, program = None, (), None
        if kind == "bubblewrap":
            environment = {"PATH": os.environ.get("PATH", os.defpath)}  # pid 1 shows what it has
            line = _bubblewrap(limits)
            if platform.machine() in FORBIDDEN:
                program = os.memfd_create("filter")
                os.write(program, _filter())
                os.lseek(program, 0, os.SEEK_SET)
                fds = (program,)
                line += ["--seccomp", str(program)]
            line += [sys.executable, *_worker(limits, True)]
        else:
            self.folder = tempfile.mkdtemp(prefix="lrcourse-unsafe-")
            environment = {"PATH": os.defpath, "HOME": self.folder}
            environment["PYTHONPATH"] = str(PACKAGE.parent)
            environment |= {"MPLBACKEND": "agg", **dict.fromkeys(THREADS, "1")}
            line = [sys.executable, *_worker(limits, False)]
        self.kind = kind
        try:
            self.process = subprocess.Popen(
                line,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors or subprocess.DEVNULL,
                bufsize=0,
                pass_fds=fds,
                env=environment,
                cwd=self.folder,
                start_new_session=True,
            )
        finally:
            if program is not None:
                os.close(program)
        for stream in (self.process.stdin, self.process.stdout):
            os.set_blocking(stream.fileno(), False)
        self.start_watch(STARTING)

    def start_watch(self, cpu: float) -> None:
        r"""Restart all counts; from now on ``cpu`` seconds of CPU time may be used."""
        self.cpu = cpu
        self.looked = time.monotonic()
        self.clock = self.moved = 0.0  # seconds, but for those in which the grader was kept waiting
        self.next_look = self.looked + LOOKS
        self.base = self.seen = sum(cpu for _, cpu, _ in self._tree())

    def request(self, kind: str, *content: object, id: bytes | None = None) -> list:
        r"""Send a message and return the reply to it; ``Lost`` if none comes."""
        id = id or secrets.token_bytes(8)
        self.send(kind, id, *content)
        return self.receive(id)

    def send(self, *message: object) -> None:
        r"""Send a message; ``Lost`` if the worker does not take it."""
        data, fd = memoryview(protocol.pack(list(message))), self.process.stdin.fileno()
        while data:
            self._wait(fd, select.POLLOUT)
            try:
                data = data[os.write(fd, data) :]
            except BlockingIOError:
                continue
            except OSError:
                raise Died(GONE) from None

    def receive(self, id: bytes) -> list:
        r"""Return the next message, which must be about ``id``."""
        try:
            message = protocol.unpack(self._read(protocol.length(self._read(protocol.HEADER.size))))
        except protocol.ProtocolError:
            raise Lost(MEDDLED) from None
        if message[1] != id:
            raise Died(GONE) if message[0] == "closed" else Lost(MEDDLED)
        return message

    def _read(self, size: int) -> bytes:
        parts, fd = [], self.process.stdout.fileno()
        while size:
            self._wait(fd, select.POLLIN)
            try:
                part = os.read(fd, min(size, 2**20))
            except BlockingIOError:
                continue
            if not part:
                raise Died(GONE)
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def _wait(self, fd: int, event: int) -> None:
        # Wait until the pipe is ready. A pipe that is always ready must not make the watch blind.
        poll = select.poll()
        poll.register(fd, event)
        while True:
            self._watch()
            if poll.poll(1000 * LOOKS):
                return

    def _watch(self) -> None:
        now = time.monotonic()
        if now < self.next_look:
            return
        self.clock += min(now - self.looked, LONGEST_LOOK)
        self.looked = now
        tree = self._tree()
        self.next_look = now + max(LOOKS, RARELY * (time.monotonic() - now))
        cpu, memory = sum(c for _, c, _ in tree), sum(m for _, _, m in tree)
        if cpu - self.base > self.cpu:
            raise Lost(
                f"It was stopped after {self.cpu} seconds of computing: is there a loop that "
                "never ends, or far too many steps?"
            )
        if memory > self.limits.memory:
            raise Lost(f"It was stopped: it used more than {self.limits.memory} MiB of memory.")
        if cpu > self.seen or any(state in "RD" for state, _, _ in tree) or not tree:
            self.seen, self.moved = max(cpu, self.seen), self.clock
        if self.clock - self.moved > self.limits.idle:
            raise Lost("It was stopped: it waits for something that never comes.")
        if self.clock > self.limits.wall:
            raise TimeoutError("It was stopped: it took too long.")

    def _tree(self) -> list[tuple[str, float, float]]:
        # State, CPU seconds and MiB of every process in the sandbox.
        found = []
        tick, page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE") / 2**20
        for pid in self._pids():
            with contextlib.suppress(OSError, IndexError):
                stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
                stat = stat.rpartition(")")[2].split()
                cpu = sum(map(int, stat[11:15])) / tick
                found.append((stat[0], cpu, int(stat[21]) * page))
        return found

    def _pids(self) -> list[int]:
        found = [self.process.pid]
        for pid in found:
            with contextlib.suppress(OSError):
                for task in os.listdir(f"/proc/{pid}/task"):
                    children = Path(f"/proc/{pid}/task/{task}/children").read_text().split()
                    found += map(int, children)
        return found

    def close(self) -> None:
        r"""End every process of the sandbox, and wait until they have ended."""
        inside = self._pids()[1:]
        if self.kind == "bubblewrap" and inside:
            # The first one is the namespace's init: it ends after all others, bwrap after it.
            with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
                os.kill(inside[0], signal.SIGKILL)
                self.process.wait(10)
        if self.process.returncode is None:  # else another process may have its number by now
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()
        self.process.wait()
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)


GONE = "It ended the process that ran it (an exit, a crash, or memory used up)."
MEDDLED = "It meddled with the messages of the grader."
