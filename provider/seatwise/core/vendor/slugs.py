"""A list that is written as Names and read as slugs, such as roles. Which slug stands for a Name is known in part."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .fields import Values
from .text import lowered
from .vendor import Before

_OTHER_ASCII = re.compile(r"[\x00-\x2f\x3a-\x60\x7b-\x7f]")


@dataclass(frozen=True)
class SlugList:
    """A list argument, which holds Names, and the output that shows its slugs."""

    argument: str
    """The name of the argument."""
    output: str
    """The name of the output."""
    unlike: Mapping[str, str]
    """Names by slug, for slugs of small letters and digits that are not simply the Name in lower case."""

    def form(self, text: str) -> str:
        """Return the form that a Name and its slug have in common."""
        plain = _plain(text)
        return _plain(self.unlike.get(plain, plain))

    def forms(self, texts: Iterable[str]) -> frozenset[str]:
        """Return the forms of Names or slugs."""
        return frozenset(map(self.form, texts))

    def name(self, slug: str) -> str:
        """Return the Name that a slug most likely stands for."""
        return self.unlike.get(slug) or re.sub(r"[-_]+", " ", slug).title()

    def with_names(self, values: Values) -> Values:
        """Return the values with Names for slugs: the known Names, and for the others the likeliest spelling."""
        if self.argument not in values:
            return values  # they could not be read: an empty list would take them away
        return {**values, self.argument: [self.name(slug) for slug in values[self.argument] or []]}

    def reconcile(self, outs: Values, declared: Values, before: Values) -> Values:
        """Return the outputs with the declared Names while their slugs do not change: not every slug is known.

        If the account could not be read back after they were written, slugs and Names are compared as they are.
        """
        slugs, old_slugs = outs.get(self.output), before.get(self.output)
        is_just_written = self.argument not in before
        is_unchanged = slugs is not None and old_slugs is not None and set(slugs) == set(old_slugs)
        if self.argument not in declared or slugs is None:
            return outs
        if is_just_written and self._are_fewer(slugs, declared[self.argument]):
            return outs
        return {**outs, self.argument: declared[self.argument]} if is_just_written or is_unchanged else outs

    def denies_write(self, changes: Values, before: Before, after: Values) -> bool:
        """Return whether there are fewer slugs than written Names, or the slugs did not change though the Names did.

        Unchanged slugs count only if the Names before are known to stand for them: they were written, and not guessed.
        """
        slugs, old_slugs = after.get(self.output), before.values.get(self.output)
        if self.argument not in changes or slugs is None or self.forms(slugs) == self.forms(changes[self.argument]):
            return False
        if self._are_fewer(slugs, changes[self.argument]):
            return True
        if old_slugs is None or set(slugs) != set(old_slugs) or self.argument not in (before.declared_names or ()):
            return False
        written = before.values.get(self.argument, ())
        is_read = set(written) == set(old_slugs)  # a refresh found other slugs than before, and shows these
        is_guessed = before.adopted and self.forms(written) == self.forms(old_slugs)
        return not is_read and not is_guessed and self.forms(written) != self.forms(changes[self.argument])

    def _are_fewer(self, slugs: Iterable[str], names: Iterable[str]) -> bool:
        """Return whether these slugs cannot stand for so many Names."""
        return len({*slugs}) < len(self.forms(names))


def _plain(text: str) -> str:
    # Letters outside ASCII are kept as they are: what becomes of them in a slug is not known.
    return _OTHER_ASCII.sub("", lowered(text))
