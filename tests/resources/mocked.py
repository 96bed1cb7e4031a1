"""Programs that run in a process of their own, with Pulumi's mocks in place of the engine."""

import subprocess
import sys

PREAMBLE = """
import json, pulumi, seatwise
from pulumi import ResourceOptions
from seatwise import enerflo, nexudus, tenovos

class Engine(pulumi.runtime.Mocks):
    resources = {}
    def new_resource(self, args):
        given = {name: value for name, value in args.inputs.items() if name != "__provider"}
        self.resources[f"{args.typ.rpartition('/')[2]} {args.name}"] = given
        return f"id of {args.name}", args.inputs
    def call(self, args):
        return {}, None

pulumi.runtime.set_mocks(Engine())
"""
"""`Engine.resources` has the inputs of each registered resource, by type and name."""


def run(program: str) -> "subprocess.CompletedProcess[str]":
    """Run the preamble and this program."""
    command = [sys.executable, "-c", PREAMBLE + program]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)
