"""Names in lists: which one is meant, and what is said when none or several are."""

from dataclasses import dataclass

import pytest

from seatwise.core.queries.lookup import only, rows
from seatwise.core.vendor.errors import UnknownName
from seatwise.core.vendor.http import Request
from seatwise.core.vendor.vendor import Listed


@dataclass(frozen=True)
class Room:
    id: int
    name: str


ROOMS = Listed(
    ask=lambda page: Request("GET", "/rooms"),
    read=lambda answer: None,
    about="rooms",
    one="room",
    kind=Room,
    keys={"id": ("id",), "name": ("name",)},
)


@pytest.mark.parametrize(
    ("names", "wanted", "found"),
    [
        pytest.param(["Front desk", "Back desk"], "Front desk", 0, id="as it is written"),
        pytest.param(["Front desk", "Back desk"], " front DESK ", 0, id="without case and the spaces around it"),
        pytest.param(["front desk", "Front desk"], "Front desk", 1, id="as it is written before without case"),
    ],
)
def test_a_name_finds_the_only_one_that_has_it(names: list[str], wanted: str, found: int) -> None:
    rooms = [Room(number, name) for number, name in enumerate(names)]
    assert only("Acme", ROOMS, rooms, wanted) == rooms[found]


@pytest.mark.parametrize(
    ("names", "wanted", "said"),
    [
        pytest.param(
            ["Front desk", "Cellar"],
            "Front dsk",
            'Acme room "Front dsk": there is none; did you mean "Front desk"?',
            id="a name like it",
        ),
        pytest.param(
            ["Attic", "Cellar"],
            "Front desk",
            'Acme room "Front desk": there is none; there is "Attic" or "Cellar"',
            id="few others",
        ),
        pytest.param([f"{n}{n}{n}" for n in range(9)], "Attic", 'Acme room "Attic": there is none', id="many others"),
        pytest.param([], "Attic", 'Acme room "Attic": there is none', id="nothing at all"),
        pytest.param(
            ["Attic", "Attic"],
            "Attic",
            'Acme room "Attic": several have this name: "Attic" (id 0), "Attic" (id 1). Give its id instead',
            id="twice",
        ),
        pytest.param(
            ["attic", "ATTIC"],
            "Attic",
            'Acme room "Attic": several have this name: "attic" (id 0), "ATTIC" (id 1). Give its id instead',
            id="twice without case",
        ),
        pytest.param([], "x\ny" * 200, f'Acme room "{("x y" * 200)[:199]}…": there is none', id="one short line"),
    ],
)
def test_a_name_that_finds_none_or_several_is_an_error_with_the_close_ones(
    names: list[str], wanted: str, said: str
) -> None:
    rooms = [Room(number, name) for number, name in enumerate(names)]
    with pytest.raises(UnknownName) as caught:
        only("Acme", ROOMS, rooms, wanted)
    assert str(caught.value) == said


def test_a_table_of_names_and_ids_is_in_the_order_of_the_names() -> None:
    rooms = [Room(2, "cellar"), Room(12, "Attic"), Room(3, "attic")]
    assert rows(rooms) == [("Attic", "12"), ("attic", "3"), ("cellar", "2")]
