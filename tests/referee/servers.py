"""Servers that tests talk to: started on a free port, ready when they say so, stopped by their id."""

import os
import shlex
import subprocess
import tempfile
import threading


def clean_environment(home, **variables):
    """An environment that knows nothing of whoever runs the tests, with `variables` on top."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    return {
        **kept,
        "HOME": str(home),
        "AWS_CONFIG_FILE": os.path.join(home, "no-config"),
        "AWS_SHARED_CREDENTIALS_FILE": os.path.join(home, "no-credentials"),
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_PAGER": "",
        "NO_COLOR": "1",
        **variables,
    }


class Server:
    """A program that prints when it is ready and runs until it is told to stop."""

    def __init__(self, command, environment, stream="stdout"):
        self.command = [str(part) for part in command]
        self._other = tempfile.TemporaryFile()
        pipes = {"stdout": self._other, "stderr": self._other, stream: subprocess.PIPE}
        self.process = subprocess.Popen(self.command, env=environment, stdin=subprocess.DEVNULL, **pipes)
        self._lines = getattr(self.process, stream)
        self._reader = None

    def lines(self):
        """Each line as it is printed; fails when the program ends instead."""
        said = []
        for raw in self._lines:
            said.append(raw.decode(errors="replace").rstrip("\n"))
            yield said[-1]
        self.process.wait()
        self._other.seek(0)
        other = self._other.read().decode(errors="replace")
        raise AssertionError(
            f"{shlex.join(self.command)} ended with {self.process.returncode} before it was ready:\n"
            + "\n".join(said)
            + "\n"
            + other
        )

    def run_on(self):
        """Keeps reading what it prints, so that it never waits for a reader."""
        self._reader = threading.Thread(target=self._drain, daemon=True)
        self._reader.start()

    def _drain(self):
        for _ in self._lines:
            pass

    def stop(self):
        """SIGTERM, and its exit code."""
        self.process.terminate()
        try:
            return self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"{shlex.join(self.command)} did not stop within 20 s of SIGTERM") from None
        finally:
            if self._reader:
                self._reader.join()
            self._lines.close()
            self._other.close()


def exported(lines, wanted):
    """The variables of `export NAME=VALUE` lines, read until all of `wanted` were there."""
    variables = {}
    for line in lines:
        words = shlex.split(line, comments=True)
        if words[:1] == ["export"]:
            for word in words[1:]:
                name, _, value = word.partition("=")
                variables[name] = value
        if wanted <= variables.keys():
            return variables
    return variables
