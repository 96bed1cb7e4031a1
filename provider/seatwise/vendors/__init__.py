"""The vendors, one file each. A new file here is a new vendor; no other file has to name it.

They can be read in any order: no vendor uses another.
"""

from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pkgutil import iter_modules
from types import ModuleType

from ..core.vendor.vendor import Vendor

PACKAGE = __name__.rpartition(".")[0]


def names() -> list[str]:
    """Return the names of all vendors."""
    return sorted(module.name for module in iter_modules(__path__))


def module_named(name: str) -> ModuleType:
    """Return the module of the vendor with this name; raises ModuleNotFoundError if no vendor has it."""
    return import_module(f"{__name__}.{name}")


def vendor_named(name: str) -> type[Vendor]:
    """Return the `Vendor` class of the vendor with this name; raises ModuleNotFoundError if no vendor has it."""
    vendor: type[Vendor] = module_named(name).VENDOR
    return vendor


class Finder(MetaPathFinder):
    """Finds `seatwise.enerflo`, which is `seatwise.vendors.enerflo`; must be the last finder."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec of a vendor's module; raises ImportError, which lists the vendors, for an unknown name."""
        package, _, name = fullname.rpartition(".")
        if package != PACKAGE or name.startswith("_"):
            return None
        if name not in names():
            raise ImportError(f"{PACKAGE} has no vendor {name}; there are {', '.join(names())}", name=fullname)
        return ModuleSpec(fullname, _Same())


class _Same(Loader):
    """Loads a vendor's module under its short name, as the same module object."""

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = module_named(spec.name.rpartition(".")[2])
        self._own = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self._own
