"""Images and containers in a storage of their own, without a daemon."""

import json
import os
import subprocess
from pathlib import Path

from tooling import Failed, run

CONFIGURATION = """
[containers]
# Raising limits needs a privilege that continuous integration often lacks.
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]

[engine]
# crun, the other runtime, needs a control group hierarchy that not every machine has.
runtime = "runc"
cgroup_manager = "cgroupfs"
lock_type = "file"
tmp_dir = "{folder}/engine"
"""

# By default the slowest driver, because it works on every file system, also inside another container.
STORAGE = """
[storage]
driver = "{driver}"
graphroot = "{folder}/storage"
runroot = "{folder}/running"
"""


class Containers:
    """Everything is kept in one folder. Leaving the context removes containers and mounts; the folder is the caller's."""

    # As an orchestrator would start them. The host's network leads to the local stack.
    HARDENED = ("--network=host", "--read-only", "--cap-drop=all", "--security-opt=no-new-privileges")

    def __init__(self, folder):
        self.folder = folder
        settings = {"CONTAINERS_CONF": CONFIGURATION, "CONTAINERS_STORAGE_CONF": STORAGE}
        self.settings = {}
        for name, text in settings.items():
            file = folder / f"{name.lower()}.conf"
            file.write_text(text.format(folder=folder, driver=os.environ.get("STORAGE_DRIVER", "vfs")))
            self.settings[name] = str(file)
        self.environment = {**os.environ, **self.settings}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.podman_raw("rm", "--all", "--force", "--time", "0")
        self.podman_raw("image", "unmount", "--all", "--force")

    def buildah(self, *arguments, **options):
        return run("buildah", *arguments, env=self.environment, **options).strip()

    def podman(self, *arguments, **options):
        return run("podman", *arguments, env=self.environment, **options).strip()

    def podman_raw(self, *arguments):
        """Runs podman and returns the process that ended, whatever its exit status."""
        command = ["podman", *map(str, arguments)]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, stdin=subprocess.DEVNULL)

    def import_archive(self, archive, name):
        container = self.buildah("from", "scratch")
        self.buildah("add", "--quiet", container, archive, "/")
        self.buildah("commit", "--quiet", "--rm", container, name)

    def image_id(self, name):
        return self.inspect(name)["Id"]

    def inspect(self, image):
        return json.loads(self.podman("image", "inspect", image, stderr=None))[0]

    def mount(self, image):
        return Path(self.podman("image", "mount", image, stderr=None))

    def exit_status(self, name):
        state = json.loads(self.podman("container", "inspect", name, stderr=None))[0]["State"]
        if state["Running"]:
            raise Failed(f"the container {name} is still running")
        return state["ExitCode"]
