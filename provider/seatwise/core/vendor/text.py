"""Text for a person's screen, letters without case, and names."""

import string

_SMALL = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def printable(text: str) -> str:
    """Return the text with a space for every character that would act on a terminal or cannot be seen.

    Control characters (ESC, BEL, line breaks), those that turn the direction of writing, and those without a glyph.
    """
    return text if text.isprintable() else "".join(each if each.isprintable() else " " for each in text)


def lowered(text: str) -> str:
    """Return the text with its ASCII letters in lower case, and all else as it is."""
    return text.translate(_SMALL)


def module_name(cls: type) -> str:
    """Return the last part of the name of a class's module: `enerflo` of `seatwise.vendors.enerflo`."""
    return cls.__module__.rpartition(".")[2]
