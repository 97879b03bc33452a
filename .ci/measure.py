#!/usr/bin/env python3
"""Measures where the check spends its time: by step, by test program and by test.

    measure.py step COMMAND...          runs a command as a step of the check
    measure.py test PROGRAM OPTIONS...  runs a test program; Cargo calls it as its runner
    measure.py report                   prints the tables

Each measurement is a line of JSON in the file that KASSA_MEASUREMENTS names.

CPU, steal and idle come from /proc/stat, so this needs Linux. They are those of the whole machine, because tests start servers, and the time of
a server belongs to its tests. Tests that run at the same time share the CPU time of that time equally.

libtest tells when a test starts and ends only in its unstable JSON format. RUSTC_BOOTSTRAP lets a stable libtest print it.
"""

import json
import os
import signal
import subprocess
import sys
import time

CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
JSON_FORMAT = ["-Zunstable-options", "--format=json", "--report-time"]
SLOWEST_TESTS = 25
# A test program that does not wait for servers ends sooner; such programs share a row of the table.
SHORT_SECONDS = 5.0


class Clock:
    """A reading of the wall clock and of the machine's CPU counters, in seconds."""

    def __init__(self):
        self.wall = time.monotonic()
        with open("/proc/stat", encoding="ascii") as stat:
            fields = [int(field) / CLOCK_TICKS for field in stat.readline().split()[1:9]]
        user, nice, system, idle, iowait, irq, softirq, steal = fields
        self.cpu = user + nice + system + irq + softirq
        self.idle = idle + iowait
        self.steal = steal

    def since(self, start):
        """The seconds between an earlier reading and this one."""
        names = ("wall", "cpu", "steal", "idle")
        return {name: round(getattr(self, name) - getattr(start, name), 3) for name in names}


def record(measurement):
    """Appends a measurement."""
    path = os.environ.get("KASSA_MEASUREMENTS")
    if path:
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps(measurement) + "\n")


def run(command):
    """Runs a command and returns its exit status, which is that of a shell: 127 without such a program, 128 and more for signals."""
    try:
        status = subprocess.run(command, check=False).returncode
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", file=sys.stderr)
        return 127
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    return exit_status(status)


def exit_status(returncode):
    """Returns the exit status of a process, and prints the signal that ended it, if one did."""
    if returncode >= 0:
        return returncode
    print(f"ended by {signal.Signals(-returncode).name}", file=sys.stderr)
    return 128 - returncode


def run_step(command):
    """Runs a command, prints how long it took, and returns its exit status."""
    name = " ".join(command)
    print(f"\n==> {name}", flush=True)
    start = Clock()
    status = run(command)
    spent = Clock().since(start)
    record({"step": name, "status": status, **spent})
    outcome = "done" if status == 0 else f"FAILED ({status})"
    print(f"==> {outcome} in {spent['wall']:.0f} s, {spent['cpu']:.0f} s of CPU: {name}", flush=True)
    return status


class TestRun:
    """The tests of one program: prints them as libtest does, and records what each of them took."""

    def __init__(self, program, file):
        self.program = program
        self.file = file
        self.last = Clock()
        self.running = {}
        self.started = {}
        self.failures = []

    def share_cpu(self):
        """Divides the CPU time since the last event among the tests that ran."""
        now = Clock()
        for test in self.running:
            self.running[test] += (now.cpu - self.last.cpu) / len(self.running)
        self.last = now

    def handle(self, event):
        """Handles one event of libtest."""
        kind, what = event["type"], event.get("event")
        if kind == "suite":
            self.suite(event)
        elif kind == "test" and what == "started":
            self.share_cpu()
            self.running[event["name"]] = 0.0
            self.started[event["name"]] = self.last.wall
        elif kind == "test" and what == "timeout":
            print(f"test {event['name']} has been running for over 60 seconds", flush=True)
        elif kind == "test":
            self.ended(event["name"], what, event.get("stdout", "") + event.get("message", ""))

    def ended(self, name, outcome, output):
        """Prints and records the end of a test."""
        self.share_cpu()
        cpu = self.running.pop(name, 0.0)
        wall = self.last.wall - self.started.pop(name, self.last.wall)
        outcome = {"failed": "FAILED"}.get(outcome, outcome)
        print(f"test {name} ... {outcome} <{wall:.3f}s>", flush=True)
        if outcome == "FAILED":
            self.failures.append((name, output))
        record({"test": name, "program": self.program, "file": self.file, "outcome": outcome, "wall": round(wall, 3), "cpu": round(cpu, 3)})

    def print_failures(self):
        """Prints what failed tests have printed, and which tests have not ended."""
        for name, output in self.failures:
            print(f"\n---- {name} ----\n{output}")
        if self.failures:
            print("\nfailures:\n" + "\n".join(f"    {name}" for name, _ in self.failures))
        if self.running:
            print("\nnot ended:\n" + "\n".join(f"    {name}" for name in self.running))
        self.failures = []

    def suite(self, event):
        """Prints the first or the last line about all tests of the program."""
        if event["event"] == "started":
            print(f"\nrunning {event['test_count']} tests", flush=True)
            return
        self.print_failures()
        result = {"failed": "FAILED"}.get(event["event"], event["event"])
        counts = f"{event['passed']} passed; {event['failed']} failed; {event['ignored']} ignored; "
        counts += f"{event['measured']} measured; {event['filtered_out']} filtered out"
        print(f"\ntest result: {result}. {counts}; finished in {event['exec_time']:.2f}s\n", flush=True)


def event_in(line):
    """Returns what comes before an event of libtest in a line, and the event; the whole line and nothing if there is none."""
    begin = line.rfind('{ "type": ')
    try:
        event = json.loads(line[begin:]) if begin >= 0 else None
    except ValueError:
        event = None
    if event is None or event["type"] not in ("suite", "test"):
        return line, None
    return line[:begin], event


def run_tests(command):
    """Runs a test program and returns its exit status."""
    if os.path.basename(os.path.dirname(command[0])) != "deps":
        # Examples in the documentation. Their programs do not take the options of libtest.
        return run(command)
    # The name of the file ends with a hash.
    file = os.path.basename(command[0])
    program = file.rsplit("-", 1)[0]
    environment = {**os.environ, "RUSTC_BOOTSTRAP": "1"}
    start = Clock()
    tests = TestRun(program, file)
    options = {"env": environment, "stdout": subprocess.PIPE, "text": True, "errors": "replace"}
    with subprocess.Popen(command + JSON_FORMAT, **options) as process:
        for line in process.stdout:
            text, event = event_in(line)
            print(text, end="" if text.endswith("\n") or not text else "\n", flush=True)
            if event:
                tests.handle(event)
    # A program that was aborted has not said what failed.
    tests.print_failures()
    status = exit_status(process.returncode)
    record({"program": program, "file": file, "status": status, **Clock().since(start)})
    return status


def table(title, rows):
    """Prints rows of cells as a Markdown table; the first row is the head. Prints nothing if there is no other row."""
    if len(rows) == 1:
        return
    print(f"\n{title}\n")
    for number, row in enumerate(rows):
        print("| " + " | ".join(row) + " |")
        if number == 0:
            print("|---" + "|--:" * (len(row) - 1) + "|")


def seconds(entry):
    """The cells of a measurement: seconds of wall, CPU and steal, and the idle share."""
    total = entry["cpu"] + entry["steal"] + entry["idle"]
    idle = 100 * entry["idle"] / total if total else 0
    return [f"{entry['wall']:.0f}", f"{entry['cpu']:.0f}", f"{entry['steal']:.0f}", f"{idle:.0f} %"]


def failed(has_failed):
    """Marks a row of the tables."""
    return " **FAILED**" if has_failed else ""


def summed(entries):
    """The sum of measurements."""
    return {key: sum(entry[key] for entry in entries) for key in ("wall", "cpu", "steal", "idle")}


def measurements():
    """Yields all measurements. A process that was killed may have left half a line."""
    with open(os.environ["KASSA_MEASUREMENTS"], encoding="utf-8") as file:
        for line in file:
            try:
                yield json.loads(line)
            except ValueError:
                print(f"not a measurement: {line.rstrip()}", file=sys.stderr)


def report():
    """Prints all measurements as tables."""
    entries = list(measurements())
    head = ["wall s", "CPU s", "steal s", "idle"]

    steps = [entry for entry in entries if "step" in entry]
    rows = [[f"`{entry['step']}`" + failed(entry["status"] != 0), *seconds(entry)] for entry in steps]
    if len(rows) > 1:
        rows.append(["all", *seconds(summed(steps))])
    table("Steps", [["step", *head], *rows])

    programs = [entry for entry in entries if "program" in entry and "test" not in entry]
    tests = [entry for entry in entries if "test" in entry]
    counts = {}
    for test in tests:
        counts[test["file"]] = counts.get(test["file"], 0) + 1
    long = [entry for entry in programs if entry["wall"] >= SHORT_SECONDS]
    short = [entry for entry in programs if entry["wall"] < SHORT_SECONDS]
    name = lambda entry: f"`{entry['program']}`" + failed(entry["status"] != 0)
    rows = [[name(entry), str(counts.get(entry["file"], 0)), *seconds(entry)] for entry in long]
    if short:
        number = sum(counts.get(entry["file"], 0) for entry in short)
        title = f"{len(short)} others" + failed(any(entry["status"] != 0 for entry in short))
        rows.append([title, str(number), *seconds(summed(short))])
    if rows:
        rows.append(["all", str(len(tests)), *seconds(summed(programs))])
    table("Test programs", [["program", "tests", *head], *rows])

    slowest = sorted(tests, key=lambda entry: -entry["cpu"])[:SLOWEST_TESTS]
    name = lambda entry: f"`{entry['program']} {entry['test']}`" + failed(entry["outcome"] == "FAILED")
    rows = [[name(entry), f"{entry['wall']:.1f}", f"{entry['cpu']:.1f}"] for entry in slowest]
    table(f"The {len(slowest)} tests with the most CPU time", [["test", "wall s", "CPU s"], *rows])


def main():
    """Does what the first argument says."""
    match sys.argv[1:]:
        case ["step", *command] if command:
            sys.exit(run_step(command))
        case ["test", *command] if command:
            sys.exit(run_tests(command))
        case ["report"]:
            report()
        case _:
            sys.exit(__doc__)


main()
