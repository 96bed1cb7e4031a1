"""The resources that declare e-mails in this run, and the resources that manage accounts. Pure."""

from collections.abc import Iterable

from ..vendor.fields import email_key
from .owner import MEMBERS, forms, in_stack_of, is_team, parsed, same, stack_of


class Ownership:
    """The resources that declare e-mails in this run, and the resources that manage accounts."""

    def __init__(self) -> None:
        self._owners: dict[str, str] = {}
        self._holders: dict[str, str] = {}
        self._declared: set[str] = set()
        self._adopters: set[str] = set()
        self._made: dict[str, str] = {}
        self._in_state: dict[str, str] = {}
        self._today: dict[str, str] = {}
        self._formerly: dict[str, tuple[str, ...]] = {}
        self._let_go: dict[str, str] = {}
        self._failed: set[str] = set()

    def declare(self, email: str, owner: str) -> str | None:
        """Note that the owner declares an e-mail. If another resource declares it already, return and keep that one."""
        self._declared.add(owner)
        other = self._owners.setdefault(email_key(email), owner)
        return None if same(other, owner) else other

    def record_in_state(self, owner: str, before: str) -> None:
        """Note that the engine has the owner's resource in its state, where it may have the name of `before`."""
        self._in_state[owner] = owner if not before or same(before, owner) else in_stack_of(before, owner)
        if parsed(before) is not None:  # an owner from before 0.1.0 may be several resources
            self._today[before] = owner

    def record_former(self, owner: str, names: Iterable[str]) -> None:
        """Record the owners that the resource may have had, as the aliases in its options say."""
        self._formerly[owner] = tuple(names)
        for name in self._formerly[owner]:
            self._today.setdefault(name, owner)

    def names(self, owner: str) -> list[str]:
        """Return the owners by which the engine's state may have the resource, the likeliest first."""
        owner = owner.removesuffix(MEMBERS)
        known = [owner, self._in_state.get(owner, owner), *self._formerly.get(owner, ())]
        return [*dict.fromkeys(known)]

    def is_in_state(self, owner: str) -> bool:
        """Return whether the engine's state is known to have the owner's resource."""
        return owner in self._in_state

    def current_owner(self, owner: str) -> str:
        """Return the owner under the name that it has in this run; old outputs may have an earlier name."""
        name, other = owner.removesuffix(MEMBERS), self.any_owner()
        if name in self._today and owner not in self._declared:
            name = self._today[name]
        elif parsed(name) and parsed(other):  # no check shows a forced replacement; a run has only one stack
            name = in_stack_of(name, other)
        return name + (MEMBERS if is_team(owner) else "")

    def belongs_to_other(self, email: str, owner: str) -> bool:
        """Return whether another resource than the owner declares this e-mail."""
        declared = self._owners.get(email_key(email))
        return declared is not None and owner != "" and not same(declared, owner)

    def adopts(self, owner: str) -> None:
        """Note that a new resource takes over an existing account with its e-mail, as its policy says."""
        self._adopters.add(owner)

    def taker(self, email: str, owner: str) -> str | None:
        """Return the resource other than the owner that declares this e-mail, if it takes over an account with it.

        That is a team, to which accounts move, or a resource that adopts.
        """
        declared = self._owners.get(email_key(email), "")
        takes = is_team(declared) or declared in self._adopters
        return declared if takes and self.belongs_to_other(email, owner) else None

    def is_in_program(self, owner: str) -> bool:
        """Return whether the program of this run declares the owner's resource."""
        return owner in self._declared or (parsed(owner) is None and any(same(owner, each) for each in self._declared))

    def any_owner(self) -> str:
        """Return an owner that this run declares, which names its stack; empty if the run declares no owner."""
        return next(iter(self._declared), "")

    def is_declared(self, email: str) -> bool:
        """Return whether a resource of this run declares this e-mail."""
        return email_key(email) in self._owners

    def assign(self, account: str, owner: str) -> None:
        """Note that a resource manages this account in this run."""
        if owner:
            self._holders[account] = owner

    def assign_new(self, account: str, owner: str) -> None:
        """Note that this run created the account for a resource, or assigned an existing one to it."""
        self.assign(account, owner)
        self._made |= dict.fromkeys(forms(owner), account)

    def release(self, account: str, owner: str) -> None:
        """Note that the owner does not manage this account: the answer to its create held a wrong id."""
        if self._holders.get(account) == owner:
            del self._holders[account]
        for form in forms(owner):
            self._made.pop(form, None)

    def assign_declared(self, account: str, email: object, owner: str) -> None:
        """Note that a resource has this account, if this run's program declares it under this e-mail.

        In a refresh the e-mail is what the program declared before: it counts only if this run declares it, too. An
        account that another resource has already stays that one's.
        """
        is_declared = isinstance(email, str) and same(self._owners.get(email_key(email), ""), owner)
        if is_declared and self.other_owner(account, owner) is None:
            self.assign(account, owner)

    def let_go(self, account: str, email: str) -> None:
        """Note that a resource gives the account up to the one that declares its e-mail now."""
        self._let_go[email_key(email)] = account

    def forget_given(self, account: str, email: str) -> None:
        """Note that the account that a resource gave up in this run is gone."""
        if self.given(email) == account:
            del self._let_go[email_key(email)]

    def given(self, email: str) -> str | None:
        """Return the account with this e-mail that another resource gave up in this run, if one did."""
        return self._let_go.get(email_key(email))

    def fail(self, email: str) -> None:
        """Note that the resource that declares the e-mail could not take over an account in this run."""
        self._failed.add(email_key(email))

    def has_failed(self, email: str) -> bool:
        """Return whether the resource that declares the e-mail could not take over an account in this run."""
        return email_key(email) in self._failed

    def owner_of(self, account: str) -> str | None:
        """Return the resource that manages this account in this run; None if none is known."""
        return self._holders.get(account)

    def other_owner(self, account: str, owner: str) -> str | None:
        """Return the resource that manages this account in this run, if it is another one than the owner."""
        holder = self._holders.get(account)
        return None if holder is None or owner == "" or same(holder, owner) else holder

    def continues_with(self, account: str, email: str, owner: str) -> bool:
        """Return whether the owner's own new resource in this run continues with this account.

        If the program of this run declares the resource, the engine can only be about to replace it.
        A member of a team continues if the team still declares its e-mail.
        """
        if self._made.get(owner, account) != account and not is_team(owner):
            return False  # its new resource has another account
        if self._holders.get(account) is not None and same(self._holders[account], owner):
            return True
        if is_team(owner) or parsed(owner) is None:  # an owner from before 0.1.0 may be several resources
            return same(self._owners.get(email_key(email), ""), owner)
        return owner in self._declared

    def is_transfer(self, email: str, old: str, new: str) -> bool:
        """Return whether an account moves to or from a team of the same stack: its old owner no longer declares it."""
        is_teams = is_team(old) or is_team(new)
        return is_teams and self.succeeds(email, old, new)

    def succeeds(self, email: str, old: str, new: str) -> bool:
        """Return whether a resource of the same stack declares the e-mail now, and the old one does not any more."""
        is_here = stack_of(old) == stack_of(new) != ("", "")
        return is_here and same(self._owners.get(email_key(email), new), new)
