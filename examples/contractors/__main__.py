"""Contractors from a file, each with accounts until the last day that the file says."""

import pulumi

import seatwise

contractors = [seatwise.Person(**each) for each in seatwise.people("contractors.csv")]
pulumi.export("ids", {each.pulumi_resource_name: each.ids for each in contractors})
