"""Options that several commands take, said once."""

from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Answer with JSON.")]
Limit = Annotated[int, typer.Option(min=1, max=10_000, help="The newest so many.")]
OfTenant = Annotated[str | None, typer.Option("--tenant", help="Only this tenant's.")]
