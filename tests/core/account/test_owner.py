"""Who owns an account: resources are told apart, and those of earlier states are recognized."""

import pytest

from seatwise.core.account import owner
from seatwise.core.account.owner import MEMBERS, Owner

PERSON = "seatwise:index:Person"


def made(*parents: str, name: str = "ana", stack: str = "dev") -> str:
    return str(Owner("accounts", stack, parents, name))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (made("a:b:Team", PERSON), made("a:b:Squad", PERSON)),
        (made(PERSON), made(PERSON, PERSON)),
        (made(), made(PERSON)),
        (made(name="b"), made(name="a")),
        (made(name="b", stack="a"), made(name="a/b")),
        (made(name=f"x{MEMBERS}"), made(name="x") + MEMBERS),
        (made("a$b"), made("a", "b")),
        (made("a/b"), made("a:b")),
        (made(), made(stack="prod")),
        (made(name="%2F"), made(name="/")),
        ("", ""),
    ],
)
def test_no_name_and_no_chain_of_parents_is_taken_for_another(one: str, other: str) -> None:
    assert not one or one != other
    assert not owner.same(one, other)
    assert not owner.same(other, one)


@pytest.mark.parametrize(
    "each",
    [
        Owner("accounts", "dev", (), "ana"),
        Owner("accounts", "dev", (PERSON,), "field/emea$x:members%2F"),
        Owner("a.b", "org-x", ("a:b/c:D", PERSON), "José 7"),
    ],
)
def test_an_owner_is_read_back_as_it_was_written(each: Owner) -> None:
    assert owner.parsed(str(each)) == each
    assert owner.parsed(str(each) + MEMBERS) == each


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("accounts/dev/ana", made()),
        (f"accounts/dev/{PERSON}$ana", made(PERSON)),
        (f"accounts/dev/{PERSON}$ana", made("a:b:Team", PERSON)),
        ("accounts/dev/a:b:C$ana", made("a:b/C")),
        ("accounts/dev/field/emea", made(name="field/emea")),
        ("accounts/dev/a$b", made(name="a$b")),
        (f"accounts/dev/sales{MEMBERS}", made(name="sales") + MEMBERS),
    ],
)
def test_an_owner_of_an_earlier_version_is_recognized(old: str, new: str) -> None:
    assert owner.same(old, new)
    assert owner.same(new, old)
    assert owner.same(old, old)
    assert owner.parsed(old) is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("accounts/dev/ana", made(PERSON)),
        (f"accounts/dev/{PERSON}$ana", made(PERSON, "a:b:C")),
        ("accounts/prod/ana", made()),
        (f"accounts/dev/ana{MEMBERS}", made()),
    ],
)
def test_an_owner_of_an_earlier_version_that_differs_is_another(old: str, new: str) -> None:
    assert not owner.same(old, new)


@pytest.mark.parametrize(
    ("before", "today", "in_the_state"),
    [
        (made(), made(), made()),
        (made(), made(stack="prod"), made(stack="prod")),
        (made(name="old"), made(), made(name="old")),  # with an alias
        (made(name="old"), made(stack="prod"), made(name="old", stack="prod")),
        ("accounts/dev/old", made(), "accounts/dev/old"),
        ("accounts/dev/ana", made(stack="prod"), made(stack="prod")),
    ],
)
def test_a_renamed_stack_keeps_its_resources(before: str, today: str, in_the_state: str) -> None:
    assert owner.in_stack_of(before, today) == in_the_state


def test_the_parents_of_a_resource_are_in_the_urn_of_its_parent() -> None:
    urn = f"urn:pulumi:dev::accounts::a:b:Team${PERSON}::ana::x"
    assert owner.parents_in(urn) == ("a:b:Team", PERSON)
    assert owner.parents_in("urn:pulumi:dev::accounts::pulumi:pulumi:Stack::accounts-dev") == ()
    assert owner.parents_in("") == ()


@pytest.mark.parametrize(
    ("text", "stack", "told"),
    [
        (made(), ("accounts", "dev"), "dev/ana"),
        (made(PERSON, name="a/b"), ("accounts", "dev"), f"dev/{PERSON}$a/b"),
        (made() + MEMBERS, ("accounts", "dev"), "dev/ana"),
        ("accounts/dev/ana", ("accounts", "dev"), "dev/ana"),
        (f"accounts/dev/sales{MEMBERS}", ("accounts", "dev"), "dev/sales"),
        ("", ("", ""), ""),
    ],
)
def test_messages_name_the_stack_and_the_resource(text: str, stack: tuple[str, str], told: str) -> None:
    assert owner.stack_of(text) == stack
    assert owner.display_name(text) == told
