"""The vendors, one file each. A new file here is a new vendor; nothing else needs to know it."""

from pkgutil import iter_modules


def names() -> list[str]:
    """The names of all vendors."""
    return sorted(module.name for module in iter_modules(__path__))
