"""What a program and everything it started used, as the kernel counted it."""

import os
import subprocess
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Usage:
    """Resources of one run."""

    #: From start to end, in seconds.
    wall_s: float
    #: User and system time of the program and the children it waited for, in seconds.
    cpu_s: float
    #: Peak resident memory of its largest process, in MiB.
    peak_mib: float
    #: How it ended.
    exit_code: int


def run(command, environment, directory, log):
    """Runs the program to its end; both its streams go to the file `log`."""
    with open(log, "wb") as output:
        start = time.monotonic()
        process = subprocess.Popen(
            [str(part) for part in command],
            env=environment,
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        # wait4 counts this one program; getrusage(RUSAGE_CHILDREN) would add up all of them so far.
        _, status, used = os.wait4(process.pid, 0)
        wall = time.monotonic() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    return Usage(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, process.returncode)
