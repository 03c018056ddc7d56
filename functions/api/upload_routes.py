"""Large inputs: a place to put one, before the job that takes it is submitted."""

import uuid
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from backstay.access.key import Scope
from backstay.clock import utc_now

from .gate import caller_of, needs, routes
from .services import services
from .shapes import Moment, Shape, TenantName, example

router = routes()

LARGEST_UPLOAD_BYTES = 20_000_000
_URL_LASTS = timedelta(minutes=15)


class UploadRequest(Shape):
    """What is going to be uploaded."""

    size: Annotated[
        int, Field(ge=2, le=LARGEST_UPLOAD_BYTES, description="Bytes, exactly; the URL takes no other number.")
    ]
    content_type: Literal["application/json"] = "application/json"
    tenant: Annotated[TenantName | None, Field(description="Whose jobs may take it.")] = None

    model_config = example({"size": 1_500_000})


class Upload(Shape):
    """Where to put it, and how to name it afterwards. What no job took is deleted after a day."""

    input_ref: Annotated[str, Field(description="For `input_ref` of `POST /api/jobs`.")]
    url: str
    method: Literal["PUT"]
    headers: Annotated[dict[str, str], Field(description="To be sent as they are; they are part of the signature.")]
    expires_at: Moment


@router.post(
    "/api/uploads", security=needs(Scope.SUBMIT), tags=["jobs"], summary="Bring a large input", status_code=201
)
def create_upload(upload: UploadRequest) -> Upload:
    """Answers a URL that takes one JSON document of this size for 15 minutes. Send it with `PUT` and the headers."""
    from backstay import aws

    key = f"uploads/{caller_of(router).tenant_for(upload.tenant)}/{uuid.uuid4()}"
    url = aws.s3().generate_presigned_url(
        "put_object",
        Params={
            "Bucket": services().env.payloads_bucket,
            "Key": key,
            "ContentType": upload.content_type,
            "ContentLength": upload.size,
        },
        ExpiresIn=int(_URL_LASTS.total_seconds()),
    )
    return Upload(
        input_ref=key,
        url=url,
        method="PUT",
        headers={"Content-Type": upload.content_type, "Content-Length": str(upload.size)},
        expires_at=utc_now() + _URL_LASTS,
    )
