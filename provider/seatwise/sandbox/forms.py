"""Fields of records as a person sees and changes them on the page: texts in, values out, no requests."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


class Mistyped(Exception):
    """A form that cannot be taken; the message names the field and the remedy."""


@dataclass(frozen=True)
class Editable:
    """A field of a record that the page shows, and that a person changes there."""

    key: str
    """Its name in a record."""
    label: str
    choices: Mapping[Any, str] = field(default_factory=dict)
    """What it may be, and what people call that; without any it is a text."""
    many: bool = False
    """Whether it is a list: of choices where there are some, else of numbers."""
    required: bool = False
    listed: bool = True
    """Whether the table of accounts has a column of it."""

    def shown(self, record: Mapping[str, Any]) -> str:
        """The value as people read it."""
        return ", ".join(self._label(each) for each in self._items(record))

    def texts(self, record: Mapping[str, Any]) -> list[str]:
        """What a form sends when nobody touches the field."""
        items = self._items(record)
        if self.choices:
            picked = [str(each) for each in self.choices if each in items]
            return picked if self.many else picked or [""]
        return [", ".join(str(each) for each in items)]

    def value(self, texts: list[str]) -> Any:
        """What a person typed or picked; raises Mistyped."""
        filled = [text.strip() for text in texts if text.strip()]
        if self.choices:
            by_text = {str(each): each for each in self.choices}
            if not by_text.keys() >= set(filled):
                raise Mistyped(f"{self.label} is none of the choices: pick one of {', '.join(self.choices.values())}")
            values: list[Any] = [by_text[text] for text in filled]
        elif self.many:
            numbers = " ".join(filled).replace(",", " ").split()
            if not all(re.fullmatch(r"\d{1,9}", each) for each in numbers):
                raise Mistyped(f"{self.label} are not all numbers: write them as 7, 12")
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
        """What people call an item; one that is no choice, whatever its type, as it is."""
        return next((label for choice, label in self.choices.items() if choice == item), str(item))


def changes(
    fields: Sequence[Editable], record: Mapping[str, Any], typed: Callable[[str], list[str]], email: str
) -> dict[str, Any]:
    """What a form changes in a record; raises Mistyped.

    `typed` gives a field's texts. What was left as it was shown is not among the changes, so that a
    value keeps its type; a text that the form lacks stays, too. `email` is the key of the e-mail.
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
            raise Mistyped(f"{each.label} is missing: fill it in")
    if not re.fullmatch(r"\S+@\S+", str(result[email])):
        raise Mistyped("E-mail is none: write it as name@example.com")
    return found
