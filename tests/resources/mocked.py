"""Programs that run in a process of their own, with Pulumi's mocks in place of the engine."""

import json
import subprocess
import sys
from typing import Any

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


def run(program: str) -> Any:
    """Run the preamble and this program, and return the JSON that it prints."""
    ran = process(program)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def failed(program: str) -> str:
    """Run the preamble and this program, which must fail, and return what it says."""
    ran = process(program)
    assert ran.returncode != 0
    return ran.stderr


def process(program: str) -> "subprocess.CompletedProcess[str]":
    """Run the preamble and this program, and return how it ended."""
    command = [sys.executable, "-c", PREAMBLE + program]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)
