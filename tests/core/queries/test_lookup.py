"""Names in lists: the item with a name, and the errors if none or several items have it."""

from dataclasses import dataclass

import pytest

from seatwise.core.queries.lookup import find_by_name, rows
from seatwise.core.vendor.errors import UnknownName
from seatwise.core.vendor.vendor import Named, NameList
from seatwise.vendors.enerflo import Enerflo


@dataclass(frozen=True)
class Room(Named):
    id: int


ROOMS = NameList(
    path="/rooms",
    read=lambda answer: None,
    about="rooms",
    kind=Room,
    keys={"id": ("id",), "name": ("name",)},
)
REMEDY = "`seatwise roles enerflo` lists the rooms of the main tenant"


@pytest.mark.parametrize(
    ("names", "wanted", "found"),
    [
        pytest.param(["Front desk", "Back desk"], "Front desk", 0, id="as it is written"),
        pytest.param(["Front desk", "Back desk"], " front DESK ", 0, id="without case and the spaces around it"),
        pytest.param(["front desk", "Front desk"], "Front desk", 1, id="as it is written before without case"),
    ],
)
def test_a_name_finds_the_one_item_that_has_it(names: list[str], wanted: str, found: int) -> None:
    rooms = [Room(number, name) for number, name in enumerate(names)]
    assert find_by_name(Enerflo, ROOMS, rooms, wanted) == rooms[found]


@pytest.mark.parametrize(
    ("names", "wanted", "message"),
    [
        pytest.param(
            ["Front desk", "Cellar"],
            "Front dsk",
            'Enerflo room "Front dsk": not found; did you mean "Front desk"?',
            id="a name like it",
        ),
        pytest.param(
            ["Attic", "Cellar"],
            "Front desk",
            'Enerflo room "Front desk": not found; known: "Attic" or "Cellar"',
            id="few others",
        ),
        pytest.param(
            [f"{n}{n}{n}" for n in range(9)], "Attic", f'Enerflo room "Attic": not found. {REMEDY}', id="many others"
        ),
        pytest.param([], "Attic", f'Enerflo room "Attic": not found. {REMEDY}', id="no others"),
        pytest.param(
            ["Attic", "Attic"],
            "Attic",
            'Enerflo room "Attic": several items have this name: "Attic" (id 0), "Attic" (id 1). Give its id instead',
            id="twice",
        ),
        pytest.param(
            ["attic", "ATTIC"],
            "Attic",
            'Enerflo room "Attic": several items have this name: "attic" (id 0), "ATTIC" (id 1). Give its id instead',
            id="twice without case",
        ),
        pytest.param(
            [], "x\ny" * 200, f'Enerflo room "{("x y" * 200)[:199]}…": not found. {REMEDY}', id="one short line"
        ),
    ],
)
def test_a_missing_or_ambiguous_name_is_an_error_with_names(names: list[str], wanted: str, message: str) -> None:
    rooms = [Room(number, name) for number, name in enumerate(names)]
    with pytest.raises(UnknownName) as caught:
        find_by_name(Enerflo, ROOMS, rooms, wanted)
    assert str(caught.value) == message


def test_a_table_of_names_and_ids_is_sorted_by_name() -> None:
    rooms = [Room(2, "cellar"), Room(12, "Attic"), Room(3, "attic")]
    assert rows(rooms) == [("Attic", "12"), ("attic", "3"), ("cellar", "2")]
