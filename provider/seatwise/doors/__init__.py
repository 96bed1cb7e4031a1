"""The dynamic providers behind `seatwise.dynamic`: one for each kind of resource."""
