"""The vendors, one file each. A new file here is a new vendor; nothing else needs to know it."""

from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pkgutil import iter_modules
from types import ModuleType

PACKAGE = __name__.rpartition(".")[0]


def names() -> list[str]:
    """The names of all vendors."""
    return sorted(module.name for module in iter_modules(__path__))


class Finder(MetaPathFinder):
    """Finds `seatwise.enerflo`, which is `seatwise.vendors.enerflo`; to be asked last."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return where a vendor is; raises ImportError for a name that no vendor has."""
        package, _, name = fullname.rpartition(".")
        if package != PACKAGE or name.startswith("_"):
            return None
        if name not in names():
            raise ImportError(f"{PACKAGE} has no vendor {name}; there are {', '.join(names())}", name=fullname)
        return ModuleSpec(fullname, _Same())


class _Same(Loader):
    """Loads a vendor's module under its other name: it stays one module."""

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = import_module(f"{__name__}.{spec.name.rpartition('.')[2]}")
        self._own = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self._own
