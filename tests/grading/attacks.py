"""More answers that attack the grader, each as in ``bad_submissions.CELLS``."""

from bad_submissions import FULL, REST, RIGHT, inside

PATCH = "from lrcourse.grading import protocol\nold = protocol.pack\ndef pack(m):\n"
PATCHED = "    return old(m)\nprotocol.pack = pack\n"
LIBC = ("import ctypes", "libc = ctypes.CDLL(None, use_errno=True)")


def forged(*lines: str) -> str:
    """A right answer whose messages are changed on their way out."""
    return PATCH + "".join(f"    {line}\n" for line in lines) + PATCHED + RIGHT


def told(name: str, *lines: str) -> str:
    """An answer that raises with what it has found out."""
    return inside(*lines, f"raise ValueError(f'{name} {{found}}')")


def calls(*numbers: str) -> str:
    """An answer that makes system calls; each should fail."""
    tried = ", ".join(f"libc.syscall({number})" for number in numbers)
    return told("calls", *LIBC, f"found = {{{tried}}}")


ATTACKS = {
    # name: (cell of exercise 00.1, points, words of its feedback)
    # to win points
    "zeroes_its_inputs": (
        inside("w *= 0", "gradient *= 0", "return w"),
        REST,
        "in place",
    ),
    # The one point that can be won so: nothing else tells what became of the arguments.
    "says_it_changed_nothing": (
        forged("if m[0] == 'value': m[3] = None")
        .replace("w - learning", "w.__isub__(learning")
        .replace(
            "rate * gradient",
            "rate * gradient) if hasattr(w, 'ndim') else w - learning_rate * gradient",
        ),
        FULL,
        "16 of 16",
    ),
    "sends_through_the_workers_own_pipe": (
        inside(
            "import gc",
            "pipes = [o for o in gc.get_objects() if type(o).__name__ == 'Pipe']",
            "for pipe in pipes: pipe.send('value', b'12345678', 1.8, None)",
            right=True,
        ),
        REST,
        "meddled",
    ),
    "answers_twice": (
        inside(
            "import os",
            "me = os.getpid()",
            "os.getpid = lambda: me",
            "os.fork()",
            right=True,
        ),
        REST + 2,  # the first is right
        "meddled",
    ),
    "more_states_than_names": (
        forged("if m[0] == 'opened': m[2] = m[2] * 3"),
        REST,
        "meddled",
    ),
    "a_failure_of_no_kind": (
        forged("if m[0] == 'opened': m[3] = [1, 2, 3, 4]"),
        REST,
        "meddled",
    ),
    "forged_generator": (
        forged("if m[0] == 'value': m[2] = ['rng', '9' * 400, '1', 2**63, 0]"),
        REST,
        "",
    ),
    "forged_key": (
        forged("if m[0] == 'value': m[2] = ['dict', [[['list', []], 1]]]"),
        REST,
        "meddled",
    ),
    "an_error_with_a_name_of_10_mb": (
        forged("if m[0] == 'value': m[:] = ['raised', m[1], 'K' * 10**7, 'x', 0, '']"),
        REST,
        "KKKK",
    ),
    "an_error_that_means_the_end": (
        forged("if m[0] == 'value': m[:] = ['raised', m[1], 'SystemExit', 'x', 10**18, 'y']"),
        REST,
        "Your code raised SystemExit",
    ),
    "a_reply_to_no_question": (
        forged("m[1] = b'87654321'"),
        REST,
        "meddled",
    ),
    "closed_before_it_is": (
        forged("if m[0] == 'value': m[:] = ['closed', b'12345678', 0]"),
        REST,
        "ended the process",
    ),
    # to stop the grader, or to use up the machine
    "closes_the_pipes": (inside("import os", "os.closerange(3, 256)", right=True), REST, "ended"),
    "reads_ahead": (
        inside(
            "import os, threading, time",
            "def steal():",
            "    for fd in map(int, os.listdir('/proc/self/fd')):",
            "        if fd > 2: threading.Thread(target=os.read, args=(fd, 2**20)).start()",
            "steal()",
            "time.sleep(0.2)",
            right=True,
        ),
        REST + 2,  # the first is right
        "waits for something",
    ),
    "half_a_message": (
        inside(
            "import os, time",
            "for fd in range(3, 64):",
            "    try: os.write(fd, b'\\0\\0')",
            "    except OSError: pass",
            "time.sleep(10**6)",
        ),
        REST,
        "waits for something",
    ),
    "floods": (
        inside(
            "import os",
            "while True:",
            "    for fd in range(3, 16):",
            "        try: os.write(fd, bytes(2**16))",
            "        except OSError: pass",
        ),
        REST,
        "meddled",
    ),
    "ignores_every_signal": (
        inside(
            "import signal",
            "for n in {*range(1, 65)} - {9, 19, 32, 33}: signal.signal(n, signal.SIG_IGN)",
            "while True: pass",
        ),
        REST,
        "seconds of computing",
    ),
    "ends_later": (
        inside(
            "import os, threading",
            "threading.Timer(0.05, os._exit, (0,)).start()",
            "import time",
            "time.sleep(0.5)",
            right=True,
        ),
        REST,
        "ended the process",
    ),
    "aborts": (inside("import os", "os.abort()"), REST, "ended the process"),
    "traces_the_worker": (
        inside(
            "import os, sys",
            "sys.setprofile(lambda *what: os._exit(3))",
            right=True,
        ),
        REST,
        "ended the process",
    ),
    "alarms": (
        inside(
            "import signal",
            "signal.signal(signal.SIGALRM, lambda *what: 1 / 0)",
            "signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)",
            "while True: pass",
        ),
        REST,
        "ZeroDivisionError",
    ),
    "leaves_one_that_writes_later": (
        inside(
            "import os, time",
            "if not os.fork():",
            "    os.setsid()",
            "    time.sleep(4)",
            "    for fd in range(3, 64):",
            "        try: os.write(fd, b'x' * 99)",
            "        except OSError: pass",
            "    os._exit(0)",
            right=True,
        ),
        FULL,
        "16 of 16",
    ),
    "inodes": (
        inside("n = 0", "while True:", "    open(f'/tmp/{n}', 'w').close()", "    n += 1"),
        REST,
        "",
    ),
    "shared_lists": (
        inside("d = []", "for _ in range(19): d = [d, d]", "return d"),
        REST,
        "",
    ),
    "just_small_enough": (
        inside("import numpy", "return numpy.zeros(4_000_000)"),
        REST + 1,
        "The shape is (4000000,)",
    ),
    "long_error": (inside("raise ValueError('x' * 10**8)"), REST, "ValueError: xxx"),
    "half_a_character_in_an_error": (
        inside("raise ValueError('\\udc80')"),
        REST,
        "Your code raised ValueError",
    ),
    "half_a_character_returned": (inside("return '\\udc80'"), REST, ""),
    "control_characters": (
        inside("raise ValueError('\\x1b[2J\\x00\\u202e\\x07')"),
        REST,
        "Your code raised ValueError",
    ),
    "raises_the_limits": (
        inside("import resource", "resource.setrlimit(resource.RLIMIT_AS, (-1, -1))"),
        REST,
        "not allowed to raise maximum limit",
    ),
    "never_the_one_to_be_killed": (
        inside("open('/proc/self/oom_score_adj', 'wb', 0).write(b'-500')"),
        REST,
        "Permission denied",
    ),
    "long_chain_of_names": (
        "x = lrcourse."
        + "a." * 60_000
        + "a\n"
        + "".join(f"n{k} = n{k + 1}\n" for k in range(5000))
        + RIGHT,
        REST,
        "",
    ),
    # to find out
    "reads_open_files": (
        told(
            "files",
            "import os",
            "found, pids = set(), [p for p in os.listdir('/proc') if p.isdigit()]",
            "for p in pids:",
            "    for fd in os.listdir(f'/proc/{p}/fd'):",
            "        try: found.add(os.readlink(f'/proc/{p}/fd/{fd}').split(':')[0])",
            "        except OSError: pass",
            "found -= {'pipe', 'anon_inode', '/dev/null'}",
            "found = {f for f in found if not f.startswith('/proc/')}",
        ),
        REST,
        "files set()",
    ),
    "reads_mounts": (
        told(
            "mounts",
            "lines = open('/proc/self/mountinfo').read()",
            "found = ['OUT' in lines, 'IN/' in lines, 'roster' in lines]",
        ),
        REST,
        "mounts [False, False, False]",
    ),
    "leaves_a_note": (
        inside(
            "for folder in ('/tmp', '/dev/shm'): open(folder + '/NOTE', 'w').write('LEAK')",
            right=True,
        ),
        FULL,
        "16 of 16",
    ),
    "looks_for_a_note": (
        told(
            "notes",
            "import os",
            "found = [n for f in ('/tmp', '/dev/shm') for n in os.listdir(f) if n == 'NOTE']",
        ),
        REST,
        "notes []",
    ),
    "leaks_by_the_name_of_an_error": (
        inside(
            "if getattr(w, 'ndim', 0) == 2: raise type('LEAK', (ValueError,), {})(str(w))",
            right=True,
        ),
        FULL - 1,
        "Use only w, gradient",
    ),
    "leaks_by_the_name_of_a_class": (
        inside("if getattr(w, 'ndim', 0) == 2: return type('LEAK', (), {})()", right=True),
        FULL - 1,
        "Use only w, gradient",
    ),
    "dies_of_a_hidden_input": (
        inside(
            "import os", "if getattr(w, 'ndim', 0) == 2: os._exit(int(abs(w.sum())))", right=True
        ),
        FULL - 1,
        "Use only w, gradient",
    ),
    "sleeps_for_a_hidden_input": (
        inside(
            "import time",
            "if getattr(w, 'ndim', 0) == 2: time.sleep(0.2 * abs(float(w.flat[0])))",
            right=True,
        ),
        FULL,
        "16 of 16",
    ),
    # to get out
    "every_kind_of_socket": (
        told(
            "opened",
            "import socket",
            "found = []",
            "for family in (*range(1, 46),):",
            "    for kind in (1, 2, 3, 5):",
            "        try: socket.socket(family, kind); found.append(family)",
            "        except OSError: pass",
        ),
        REST,
        "opened []",
    ),
    "doors_to_the_kernel": (
        calls("321, 5, 0, 0", "298, 0, 0, -1, -1, 0", "425, 8, 0", "323, 0", "250, 0, 0").replace(
            "{libc", "{libc"
        ),
        REST,
        "calls {-1}",
    ),
    "mounts": (
        calls("165, b'none', b'/tmp', b'tmpfs', 0, 0", "161, b'/tmp'", "155, b'/tmp', b'/tmp'"),
        REST,
        "calls {-1}",
    ),
    "is_root": (inside("import os", "os.setuid(0)"), REST, "Invalid argument"),
    "a_device": (
        inside("import os", "os.mknod('/tmp/d', 0o60666, os.makedev(8, 0))"),
        REST,
        "Operation not permitted",
    ),
    "by_its_parents_root": (
        told(
            "roots",
            "import os",
            "found = []",
            "for p in (p for p in os.listdir('/proc') if p.isdigit()):",
            "    for name in ('OUT/grades.sqlite', 'home', 'etc/passwd'):",
            "        if os.path.exists(f'/proc/{p}/root/{name}'): found.append(name)",
        ),
        REST,
        "roots []",
    ),
}
