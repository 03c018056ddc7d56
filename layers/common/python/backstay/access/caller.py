"""Who is calling, and what they may do. Pure."""

from dataclasses import dataclass

from backstay.access.key import EVERY_TENANT, Scope
from backstay.errors import BackstayError
from backstay.jobs.keys import DEFAULT_TENANT


class AccessError(BackstayError):
    """Root of refusals."""


class Unauthenticated(AccessError):  # noqa: N818 - a verdict about a request, not a fault of the program
    """The request shows no key, or one that opens nothing."""


class Forbidden(AccessError):  # noqa: N818 - a verdict about a request, not a fault of the program
    """The key is good, but not for this."""


class OfAnotherTenant(Forbidden):
    """The key belongs to one tenant, and names another."""

    def __init__(self, key_id: str, tenant: str, named: str) -> None:
        super().__init__(f"key {key_id} belongs to tenant {tenant!r} and can't act for {named!r}")
        self.key_id = key_id


@dataclass(frozen=True, slots=True)
class Caller:
    """The holder of a valid key."""

    key_id: str
    tenant: str
    """Whose work they may touch, or `*`."""
    scopes: frozenset[Scope]
    webhook_secret_name: str | None = None

    def require_any(self, scopes: frozenset[Scope]) -> None:
        """Make sure that the key has one of the scopes.

        Raises:
            Forbidden: it has none; names what is missing and what the key has.
        """
        if self.scopes.isdisjoint(scopes):
            wanted = " or ".join(sorted(repr(str(scope)) for scope in scopes))
            held = ", ".join(sorted(str(scope) for scope in self.scopes))
            raise Forbidden(f"this needs a key with scope {wanted}; key {self.key_id} has {held}")

    def may_touch(self, tenant: str) -> bool:
        """Whether work of this tenant is the caller's to see."""
        return self.tenant in (EVERY_TENANT, tenant)

    def tenant_for(self, named: str | None) -> str:
        """The tenant that a request is for: the one it names, else the key's own, else `default`.

        Raises:
            OfAnotherTenant: it names another tenant than the key's.
        """
        if named is None:
            return DEFAULT_TENANT if self.tenant == EVERY_TENANT else self.tenant
        if not self.may_touch(named):
            raise OfAnotherTenant(self.key_id, self.tenant, named)
        return named

    def tenant_to_list(self, named: str | None) -> str | None:
        """The tenant that a listing is limited to; None lists all, which only a key of `*` may.

        Raises:
            Forbidden: it names another tenant than the key's.
        """
        return None if named is None and self.tenant == EVERY_TENANT else self.tenant_for(named)
