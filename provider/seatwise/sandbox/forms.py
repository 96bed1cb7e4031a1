"""The fields of records on the sandbox's page: record values to form texts and back, without I/O."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


class InvalidForm(Exception):
    """A form with an invalid value; the message names the field and the remedy."""


@dataclass(frozen=True)
class Editable:
    """A field of a record that the page shows and can change."""

    key: str
    """The field's name in a record."""
    label: str
    choices: Mapping[Any, str] = field(default_factory=dict)
    """The possible values with their labels; without choices the field is a text."""
    many: bool = False
    """Whether the field is a list: of choices if it has any, else of numbers."""
    required: bool = False
    listed: bool = True
    """Whether the table of accounts has a column for the field."""

    def shown(self, record: Mapping[str, Any]) -> str:
        """Return the value as text for people."""
        return ", ".join(self._label(each) for each in self._items(record))

    def texts(self, record: Mapping[str, Any]) -> list[str]:
        """Return what a form sends for an unchanged field."""
        items = self._items(record)
        if self.choices:
            picked = [str(each) for each in self.choices if each in items]
            return picked if self.many else picked or [""]
        return [", ".join(str(each) for each in items)]

    def value(self, texts: list[str]) -> Any:
        """Return the value of typed texts or selected choices; raises InvalidForm."""
        filled = [text.strip() for text in texts if text.strip()]
        if self.choices:
            by_text = {str(each): each for each in self.choices}
            if not by_text.keys() >= set(filled):
                choices = ", ".join(self.choices.values())
                raise InvalidForm(f"{self.label} has a value that is not a choice: select one of {choices}")
            values: list[Any] = [by_text[text] for text in filled]
        elif self.many:
            numbers = " ".join(filled).replace(",", " ").split()
            if not all(re.fullmatch(r"\d{1,9}", each) for each in numbers):
                raise InvalidForm(f"{self.label} must be numbers: write them as 7, 12")
            values = [int(each) for each in numbers]
        else:
            values = list(filled)
        return values if self.many else next(iter(values), None)

    def _items(self, record: Mapping[str, Any]) -> list[Any]:
        value = record.get(self.key)
        if value is None:
            return []
        return list(value) if self.many and isinstance(value, list) else [value]

    def _label(self, item: Any) -> str:
        """Return the label of an item; the item as text if it is not a choice."""
        return next((label for choice, label in self.choices.items() if choice == item), str(item))


def changes(
    fields: Sequence[Editable], record: Mapping[str, Any], typed: Callable[[str], list[str]], email: str
) -> dict[str, Any]:
    """Return what a form changes in a record; raises InvalidForm.

    `typed` returns a field's texts. Fields with the same text as before, or without any in the form, are unchanged, so
    that their values keep their types. `email` is the key of the e-mail.
    """
    found = {}
    for each in fields:
        texts = typed(each.key)
        lacking = not texts and not (each.choices and each.many)
        if lacking or texts == each.texts(record):
            continue
        found[each.key] = each.value(texts)
    result = {**record, **found}
    for each in fields:
        if each.required and result.get(each.key) in (None, []):
            raise InvalidForm(f"{each.label} is missing: fill it in")
    if not re.fullmatch(r"\S+@\S+", str(result[email])):
        raise InvalidForm("E-mail is not an e-mail address: write it as name@example.com")
    return found
