#!/usr/bin/env python3
"""Measures where the check spends its time: by step, by test program and by test.

    measure.py step COMMAND...          runs a command as a step of the check
    measure.py test PROGRAM OPTIONS...  runs a test program; Cargo calls it as its runner
    measure.py report                   prints the tables

Each measurement is a line of JSON in the file that KASSA_MEASUREMENTS names.

CPU, steal and idle come from /proc/stat. They are those of the whole machine, because tests start servers, and the time of
a server belongs to its tests. Tests that run at the same time share the CPU time of that time equally.

libtest tells when a test starts and ends only in its unstable JSON format. RUSTC_BOOTSTRAP lets a stable libtest print it.
"""

import json
import os
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


def run_step(command):
    """Runs a command, prints how long it took, and returns its exit status."""
    name = " ".join(command)
    print(f"\n==> {name}", flush=True)
    start = Clock()
    status = subprocess.run(command, check=False).returncode
    spent = Clock().since(start)
    record({"step": name, "status": status, **spent})
    outcome = "done" if status == 0 else f"FAILED ({status})"
    print(f"==> {outcome} in {spent['wall']:.0f} s, {spent['cpu']:.0f} s of CPU: {name}", flush=True)
    return status


class TestRun:
    """The tests of one program: prints them as libtest does, and records what each of them took."""

    def __init__(self, program):
        self.program = program
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
        kind, what = event["type"], event["event"]
        if kind == "suite":
            self.suite(event)
        elif kind == "test" and what == "started":
            self.share_cpu()
            self.running[event["name"]] = 0.0
            self.started[event["name"]] = self.last.wall
        elif kind == "test" and what == "timeout":
            print(f"test {event['name']} has been running for over 60 seconds", flush=True)
        elif kind == "test":
            self.ended(event["name"], what, event.get("stdout", ""))

    def ended(self, name, outcome, output):
        """Prints and records the end of a test."""
        self.share_cpu()
        cpu = self.running.pop(name, 0.0)
        wall = self.last.wall - self.started.pop(name, self.last.wall)
        outcome = {"failed": "FAILED"}.get(outcome, outcome)
        print(f"test {name} ... {outcome} <{wall:.3f}s>", flush=True)
        if outcome == "FAILED":
            self.failures.append((name, output))
        record({"test": name, "program": self.program, "outcome": outcome, "wall": round(wall, 3), "cpu": round(cpu, 3)})

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


def run_tests(command):
    """Runs a test program and returns its exit status."""
    if os.path.basename(os.path.dirname(command[0])) != "deps":
        # Examples in the documentation: rustdoc makes a program of each, and libtest is not in it.
        return subprocess.run(command, check=False).returncode
    # The name of the file ends with a hash.
    program = os.path.basename(command[0]).rsplit("-", 1)[0]
    environment = {**os.environ, "RUSTC_BOOTSTRAP": "1"}
    start = Clock()
    tests = TestRun(program)
    with subprocess.Popen(command + JSON_FORMAT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            try:
                event = json.loads(line)
                is_event = isinstance(event, dict) and event.get("type") in ("suite", "test")
            except ValueError:
                is_event = False
            if is_event:
                tests.handle(event)
            else:
                print(line, end="", flush=True)
    # A program that was aborted has not said what failed.
    tests.print_failures()
    record({"program": program, "status": process.returncode, **Clock().since(start)})
    return process.returncode


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


def summed(entries):
    """The sum of measurements."""
    return {key: sum(entry[key] for entry in entries) for key in ("wall", "cpu", "steal", "idle")}


def report():
    """Prints all measurements as tables."""
    with open(os.environ["KASSA_MEASUREMENTS"], encoding="utf-8") as file:
        entries = [json.loads(line) for line in file]
    head = ["wall s", "CPU s", "steal s", "idle"]

    steps = [entry for entry in entries if "step" in entry]
    rows = [[f"`{entry['step']}`", *seconds(entry)] for entry in steps]
    if len(rows) > 1:
        rows.append(["all", *seconds(summed(steps))])
    table("Steps", [["step", *head], *rows])

    programs = [entry for entry in entries if "program" in entry and "test" not in entry]
    tests = [entry for entry in entries if "test" in entry]
    counts = {}
    for test in tests:
        counts[test["program"]] = counts.get(test["program"], 0) + 1
    long = [entry for entry in programs if entry["wall"] >= SHORT_SECONDS]
    short = [entry for entry in programs if entry["wall"] < SHORT_SECONDS]
    rows = [[f"`{entry['program']}`", str(counts.get(entry["program"], 0)), *seconds(entry)] for entry in long]
    if short:
        number = sum(counts.get(program, 0) for program in {entry["program"] for entry in short})
        rows.append([f"{len(short)} others", str(number), *seconds(summed(short))])
    if rows:
        rows.append(["all", str(len(tests)), *seconds(summed(programs))])
    table("Test programs", [["program", "tests", *head], *rows])

    slowest = sorted(tests, key=lambda entry: -entry["cpu"])[:SLOWEST_TESTS]
    rows = [[f"`{entry['program']} {entry['test']}`", f"{entry['wall']:.1f}", f"{entry['cpu']:.1f}"] for entry in slowest]
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
