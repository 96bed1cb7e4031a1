"""A list that is written as Names and read as slugs, such as roles. Which slug stands for a Name is known in part."""

import re
import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .fields import Values
from .vendor import Before

# Letters outside ASCII are kept as they are: what becomes of them in a slug is not known.
_SMALL = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_OTHER_ASCII = re.compile(r"[\x00-\x2f\x3a-\x60\x7b-\x7f]")


@dataclass(frozen=True)
class SlugList:
    """A list argument, which holds Names, and the output that shows its slugs."""

    names: str
    """The argument's name."""
    slugs: str
    """The output's name."""
    unlike: Mapping[str, str]
    """Names by slug, for the slugs that are not simply the Name in lower case."""

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
        return {**values, self.names: [self.name(slug) for slug in values.get(self.names) or []]}

    def reconcile(self, outs: Values, declared: Values, before: Values) -> Values:
        """Return the outputs with the declared Names while their slugs do not change: not every slug is known.

        If the account could not be read back after they were written, slugs and Names are compared as they are.
        """
        slugs, old_slugs = outs.get(self.slugs), before.get(self.slugs)
        is_just_written = self.names not in before
        is_unchanged = slugs is not None and old_slugs is not None and set(slugs) == set(old_slugs)
        if self.names not in declared or slugs is None:
            return outs
        if is_just_written and self._are_fewer(slugs, declared[self.names]):
            return outs
        return {**outs, self.names: declared[self.names]} if is_just_written or is_unchanged else outs

    def denies_write(self, changes: Values, before: Before, after: Values) -> bool:
        """Return whether there are fewer slugs than written Names, or the slugs did not change though the Names did.

        Unchanged slugs count only if the Names before are known to stand for them: they were written, and not guessed.
        """
        slugs, old_slugs = after.get(self.slugs), before.values.get(self.slugs)
        if self.names not in changes or slugs is None or self.forms(slugs) == self.forms(changes[self.names]):
            return False
        if self._are_fewer(slugs, changes[self.names]):
            return True
        if old_slugs is None or set(slugs) != set(old_slugs) or self.names not in (before.declared_names or ()):
            return False
        written = before.values.get(self.names, ())
        is_read = set(written) == set(old_slugs)  # a refresh found other slugs than before, and shows these
        is_guessed = before.adopted and self.forms(written) == self.forms(old_slugs)
        return not is_read and not is_guessed and self.forms(written) != self.forms(changes[self.names])

    def _are_fewer(self, slugs: Iterable[str], names: Iterable[str]) -> bool:
        """Return whether these slugs cannot stand for so many Names."""
        return len({*slugs}) < len(self.forms(names))


def _plain(text: str) -> str:
    return _OTHER_ASCII.sub("", text.translate(_SMALL))
