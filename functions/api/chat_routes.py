"""Conversations with bots: a message in, its reply later, and what was said so far."""

from math import ceil
from typing import Annotated, Literal

from aws_lambda_powertools.event_handler import Response, content_types
from aws_lambda_powertools.event_handler.openapi.params import Path, Query
from pydantic import Field

from backstay.access.caller import Caller
from backstay.access.key import Scope
from backstay.chats.names import ChatName
from backstay.chats.turn import Format, Turn
from backstay.chats.window import Full
from backstay.clock import utc_now
from backstay.jobs import keys

from .chat_names import chat_name
from .gate import caller_of, needs, routes
from .job_shapes import Job, JobRequest
from .job_view import job_of, path_of
from .problems import Kind, Refusal
from .services import services
from .shapes import Moment, Shape, TenantName, example
from .submitting import submit

router = routes()

TASK = "reply-to-chat"

SessionId = Annotated[str, Path(description="The conversation: 1 to 128 of A-Z a-z 0-9 _ + . : @ -", max_length=400)]
Tenant = Annotated[TenantName | None, Query(description="Whose conversation it is.")]


class MessageRequest(Shape):
    """What a customer says."""

    message_id: Annotated[ChatName, Field(description="The same message again is harmless: it is the same job.")]
    user_id: Annotated[ChatName, Field(description="Whose bot answers.")]
    text: Annotated[str, Field(min_length=1, max_length=4_000)]
    format: Annotated[Format, Field(description="How the reply is to be written.")] = "plain"
    callback_url: Annotated[
        str | None, Field(max_length=2_048, description="Is sent the reply as a signed webhook.")
    ] = None

    model_config = example({"message_id": "m-1", "user_id": "shop", "text": "Do you deliver on Sundays?"})


class ChatMessageShape(Shape):
    """Something that was said."""

    role: Literal["user", "assistant"]
    message_id: Annotated[str, Field(description="Of a reply, that of the message which it answers.")]
    text: str
    at: Moment
    format: Format
    fallback: Annotated[bool, Field(description="Whether it is the bot's fallback text.")] = False


class Conversation(Shape):
    """What was said, oldest first."""

    session_id: str
    messages: list[ChatMessageShape]
    cursor: Annotated[str | None, Field(description="Leads to what was said before; none, nothing was.")]


@router.post(
    "/api/chats/<session_id>/messages",
    security=needs(Scope.SUBMIT),
    tags=["chats"],
    summary="Say something to a bot",
    status_code=202,
    openapi_extensions={"x-answers-too": {"200": "The job of the same message"}, "x-refuses": [409, 429]},
)
def send_message(session_id: SessionId, message: MessageRequest, tenant: Tenant = None) -> Response[Job]:
    """Answers the job that replies: watch it, read the conversation, or have the reply delivered. A session may send 10
    messages a minute, and they are answered in order."""
    caller = caller_of(router)
    whose, session = caller.tenant_for(tenant), chat_name("session_id", session_id)
    _admit(whose, session, message.message_id)
    submitted = submit(_request(session, message, whose), caller)
    record = submitted.record
    if submitted.created:
        turn = Turn(session, message.message_id, message.user_id, message.text, message.format, record.created_at)
        services().chats.begin(whose, turn)
    return Response(
        status_code=202 if submitted.created else 200,
        content_type=content_types.APPLICATION_JSON,
        headers={"Location": path_of(record.id)},
        body=job_of(record),
    )


@router.get(
    "/api/chats/<session_id>/messages", security=needs(Scope.READ), tags=["chats"], summary="Read a conversation"
)
def read_messages(
    session_id: SessionId,
    tenant: Tenant = None,
    cursor: Annotated[str | None, Query(description="From the page after.", max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=100, description="Messages of the customer a page, with their replies.")] = 20,
) -> Conversation:
    """The latest page first; within a page, oldest first. A message without a reply may yet get one."""
    from backstay.chats.table import position_of

    caller: Caller = caller_of(router)
    session = chat_name("session_id", session_id)
    turns = services().chats.turns_before(caller.tenant_for(tenant), session, cursor, limit)
    return Conversation(
        session_id=session,
        messages=[said for turn in turns for said in _said(turn)],
        cursor=position_of(turns[0]) if len(turns) == limit else None,
    )


def _admit(tenant: str, session_id: str, message_id: str) -> None:
    """A message that has a job already takes no place: sending it again is harmless."""
    if services().queries.get(keys.job_id(tenant, TASK, message_id)) is not None:
        return
    full = services().chats.admit(tenant, session_id, message_id, utc_now())
    if isinstance(full, Full):
        wait_s = ceil(full.wait_s)
        raise Refusal(
            Kind.TOO_MANY,
            f"session {session_id!r} has sent 10 messages within a minute; send the next in {wait_s} s",
            headers={"Retry-After": str(wait_s)},
        )


def _request(session_id: str, message: MessageRequest, tenant: str) -> JobRequest:
    said = message.model_dump(exclude={"callback_url"})
    return JobRequest(
        task=TASK, input={"session_id": session_id, **said}, tenant=tenant, callback_url=message.callback_url
    )


def _said(turn: Turn) -> list[ChatMessageShape]:
    asked = ChatMessageShape(
        role="user", message_id=turn.message_id, text=turn.text, at=turn.at, format="plain", fallback=False
    )
    if turn.answered is None:
        return [asked]
    reply = turn.answered
    return [
        asked,
        ChatMessageShape(
            role="assistant",
            message_id=turn.message_id,
            text=reply.text,
            at=reply.at,
            format=turn.format,
            fallback=reply.is_fallback,
        ),
    ]
