"""Contractors from a file, each with accounts until the last day in the file."""

import pulumi

import seatwise

contractors = [seatwise.Person(**each) for each in seatwise.people("contractors.csv")]
pulumi.export("ids", {each.pulumi_resource_name: each.ids for each in contractors})
