"""Runs as people drive them: one estate that runs fast, one state directory, and the binary as real
processes that are begun, steered, interrupted and killed."""

import collections
import json
import signal
import subprocess
import threading
import urllib.request

from estate import Estate
from servers import clean_environment

#: How many times as fast as the wall clock the estate runs, and the binary with it.
SPEED = 60

#: The wait for one process, by the wall clock; far beyond what any of them takes.
PATIENCE = 240

#: A call's patience is counted by the run's clock as well: a busy machine must not look like a broken network.
UNHURRIED = ("aws.timeout=15m", "aws.connect_timeout=1m")


class Processes:
    """The binary over one estate and one state directory."""

    def __init__(self, binary, scenario, directory, speed=SPEED, settings=()):
        self.binary = binary
        self.directory = directory
        self.speed = speed
        self.settings = [*UNHURRIED, *settings]
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / "scenario.toml"
        path.write_text(scenario)
        self.estate = Estate(binary, path, directory, "--speed", speed)
        self.state = directory / "state"
        self.begun = []
        #: What every process printed, for what must never be printed.
        self.said = []

    @property
    def fleet(self):
        """The arguments that say which fleet."""
        return ["--landing-zones", self.estate.inventory, *self.set]

    @property
    def set(self):
        return [part for setting in self.settings for part in ("--set", setting)]

    @property
    def kept(self):
        return ["--state-dir", self.state]

    def driving(self, output="reports"):
        """The arguments of every command that drives a run."""
        return [*self.kept, "--clock-speed", self.speed, "--output-dir", self.directory / output]

    def environment(self):
        return clean_environment(self.directory, **self.estate.variables)

    def begin(self, *arguments):
        """A process that goes on."""
        begun = Process([self.binary, *arguments], self.environment(), self.directory)
        self.begun.append(begun)
        return begun

    def do(self, *arguments):
        """A process that is waited for: its exit code, standard output and standard error."""
        return self.begin(*arguments).ended()

    def status(self, *run):
        """What `status --output json` says."""
        return json.loads(self.do("status", *run, *self.kept, "--output", "json").out)

    def report(self, output="reports"):
        return json.loads((self.directory / output / "run.json").read_text())

    def plan(self, output="reports"):
        return json.loads((self.directory / output / "plan.json").read_text())["plan"]

    def runs(self):
        """The runs of the state directory, newest first."""
        return json.loads(self.do("runs", *self.kept, "--output", "json").out)

    def check(self, **run):
        """What the estate finds wrong with the calls, and with the run they belong to."""
        calls = json.loads(self.estate.get("/_estate/check"))["findings"]
        body = json.dumps(run).encode()
        asked = urllib.request.Request(self.estate.endpoint + "/_estate/check", data=body, method="POST")
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return calls + json.loads(answer.read())["findings"]

    def end(self):
        """Ends what still lives, the estate last."""
        for process in self.begun:
            self.said.append(process.put_down())
        assert self.estate.stop() == 0


Ended = collections.namedtuple("Ended", "code out err")


class Process:
    """One process of the binary; what it prints is read as it comes."""

    def __init__(self, command, environment, directory):
        self.command = [str(part) for part in command]
        self.process = subprocess.Popen(
            self.command,
            env=environment,
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._printed = threading.Condition()
        self._lines = {"stdout": [], "stderr": []}
        self._open = 2
        self._readers = [threading.Thread(target=self._read, args=(name,), daemon=True) for name in self._lines]
        for reader in self._readers:
            reader.start()

    def _read(self, name):
        for line in getattr(self.process, name):
            with self._printed:
                self._lines[name].append(line)
                self._printed.notify_all()
        with self._printed:
            self._open -= 1
            self._printed.notify_all()

    def until(self, wanted, stream="stdout", patience=PATIENCE):
        """Waits until its lines so far satisfy `wanted`; true unless it ended before, or for too long."""
        with self._printed:
            self._printed.wait_for(lambda: wanted(self._lines[stream]) or self._open == 0, timeout=patience)
            return wanted(self._lines[stream])

    def until_said(self, words, stream="stderr"):
        """Waits until a line holds these words."""
        said = self.until(lambda lines: any(words in line for line in lines), stream)
        assert said, f"{self.command[1]} ended or stayed without saying {words!r}:\n{self.text('stderr')}"

    def text(self, stream="stdout"):
        with self._printed:
            return "".join(self._lines[stream])

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)

    def kill(self):
        """SIGKILL; true where it was still alive."""
        self.process.kill()
        return self.ended().code == -signal.SIGKILL

    def lives(self):
        return self.process.poll() is None

    def ended(self):
        code = self.process.wait(timeout=PATIENCE)
        for reader in self._readers:
            reader.join(timeout=PATIENCE)
        self.process.stdout.close()
        self.process.stderr.close()
        return Ended(code, self.text("stdout"), self.text("stderr"))

    def put_down(self):
        """Ends it where it still lives; what it printed in all."""
        if self.lives():
            self.process.kill()
            self.ended()
        return self.text("stdout") + self.text("stderr")


def records(lines):
    """The records of a run among JSON Lines."""
    found = [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}\n")]
    return [line for line in found if line.get("type") == "record"]
