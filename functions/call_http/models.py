"""What call-http is asked for, and what it answers."""

import re
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

LARGEST_BODY = 200_000
"""Characters of a text body."""
MOST_HEADERS = 50

_OURS = frozenset(
    {"accept-encoding", "connection", "content-length", "expect", "host", "keep-alive", "te", "trailer"}
    | {"transfer-encoding", "upgrade"}
)
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_BODILESS = ("GET", "HEAD")

HeaderText = Annotated[str, StringConstraints(pattern=r"^[\x20-\x7e\xa0-\xff]*$", max_length=4_000)]
Status = Annotated[int, Field(ge=200, le=599)]


class SecretValue(BaseModel):
    """A header's value that stands in Secrets Manager; here is only its name."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    secret: Annotated[str, StringConstraints(pattern=r"^([a-z0-9][a-z0-9-]{0,31}/)?[A-Za-z0-9_+=.@-]{1,100}$")] = Field(
        description="Below `outbound/` in the stage's secrets. `<tenant>/<name>` serves jobs of that tenant only."
    )


class HttpCall(BaseModel):
    """One HTTP call."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", defer_build=True, validate_by_name=True, validate_by_alias=True
    )

    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    url: str = Field(max_length=2_048, repr=False)
    headers: dict[str, HeaderText | SecretValue] = Field(default={}, max_length=MOST_HEADERS, repr=False)
    json_body: Any = Field(default=None, alias="json", repr=False, description="A body sent as JSON.")
    text: str | None = Field(default=None, max_length=LARGEST_BODY, repr=False, description="Or a body sent as text.")
    timeout_s: float = Field(default=10, ge=1, le=60, description="Seconds for the whole call, redirects and all.")
    expected_status: tuple[Status, ...] = Field(
        default=(), max_length=20, description="Statuses that are right; none stands for 200 to 299."
    )

    provider: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,31}$")] | None = Field(
        default=None, description="Who is paid for the call, as `[rates.<provider>]` of backstay.toml has it."
    )
    operation: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")] | None = Field(
        default=None, description="What is paid for, such as `sms_us`."
    )
    quantity: Decimal = Field(default=Decimal(1), gt=0, le=1_000_000, description="How many units of it.")

    @field_validator("url")
    @classmethod
    def _is_a_url(cls, url: str) -> str:
        from backstay.outbound.refusal import AddressRefusedError
        from backstay.outbound.urls import parse_url

        try:
            parse_url(url)
        except AddressRefusedError as error:
            raise ValueError(str(error)) from error
        return url

    @field_validator("headers")
    @classmethod
    def _are_headers(cls, headers: dict[str, Any]) -> dict[str, Any]:
        for name in headers:
            if not _NAME.fullmatch(name):
                raise ValueError(f"{name[:100]!r} is no header's name")
            if name.lower() in _OURS or name.lower().startswith("proxy-"):
                raise ValueError(f"header {name!r} is set by the call itself; leave it out")
        if len({name.lower() for name in headers}) < len(headers):
            raise ValueError("a header stands there twice; names are the same in upper and lower case")
        return headers

    @model_validator(mode="after")
    def _has_one_body_at_most(self) -> "HttpCall":
        if self.has_json and self.text is not None:
            raise ValueError("give either 'json' or 'text', not both")
        if self.method in _BODILESS and (self.has_json or self.text is not None):
            raise ValueError(f"{self.method} takes no body; leave 'json' and 'text' out")
        return self

    @model_validator(mode="after")
    def _names_what_is_paid(self) -> "HttpCall":
        if (self.provider is None) != (self.operation is None):
            raise ValueError("'provider' and 'operation' go together: who is paid, and what for")
        if self.provider is None and "quantity" in self.model_fields_set:
            raise ValueError("'quantity' is of an operation; name 'provider' and 'operation' too")
        return self

    @property
    def has_json(self) -> bool:
        """Whether there is a JSON body, which may be null."""
        return "json_body" in self.model_fields_set


class HttpAnswer(BaseModel):
    """What came back."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    status: int
    content_type: str | None
    body: Any = Field(description="JSON as it is, text and XML as text; null where it is none of these.")
    body_bytes: int
    origin: str = Field(description="Who answered in the end: scheme, host and port.")
    redirects: int
    duration_ms: int
