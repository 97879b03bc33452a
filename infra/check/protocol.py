"""Loads Terraform's provider protocol (tfplugin6) as the package `pyvider` generated it.

Only two generated files are needed. Importing the package itself would import its framework and everything that it needs,
so stand-in parents are registered, whose search path is the folder of the generated files.
"""

import importlib
import importlib.util
import sys
import types
from pathlib import Path

PACKAGE = "pyvider.protocols.tfprotov6.protobuf"


def load():
    """Returns the modules of the messages and of the service."""
    root = Path(next(iter(importlib.util.find_spec("pyvider").submodule_search_locations)))
    names = PACKAGE.split(".")
    for depth in range(1, len(names) + 1):
        parent = types.ModuleType(".".join(names[:depth]))
        parent.__path__ = [str(root.joinpath(*names[1:depth]))]
        sys.modules[parent.__name__] = parent
    return importlib.import_module(f"{PACKAGE}.tfplugin6_pb2"), importlib.import_module(f"{PACKAGE}.tfplugin6_pb2_grpc")
