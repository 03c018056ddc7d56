"""reply-to-chat: replies to customers, one at a time and in order for each conversation."""

import functools
from typing import TYPE_CHECKING

from backstay.running import current_job
from backstay.task import Failure, Job, Task

from .models import ChatMessage, ChatReply

if TYPE_CHECKING:
    from .replying import Replying

task = Task(
    name="reply-to-chat",
    input=ChatMessage,
    output=ChatReply,
    timeout=60,
    ordered_by="session_id",
    give_up_after=60,  # somebody is waiting
    uses=("llm", "chats"),
)


@task.key
def key(message: ChatMessage) -> str:
    """The same message again is the same job."""
    return message.message_id


@task.run
def reply(message: ChatMessage, job: Job) -> ChatReply:
    """Ask a model, and keep the answer in the conversation."""
    return _replying().reply(message, job)


@task.fallback
def settle_for_fallback_text(message: ChatMessage, _: Failure) -> ChatReply | None:
    """No model could be had in time: the bot's fallback text must do, where it has one."""
    if (job := current_job.get()) is None:
        raise LookupError("a fallback needs the job that failed in current_job, to find its tenant's bot")
    return _replying().fall_back(message, job)


@functools.cache
def _replying() -> "Replying":
    """Made at the first job: the API imports this module too, for the declaration only."""
    from datetime import timedelta

    from backstay import config
    from backstay.chats.table import ChatTable
    from backstay.settings import Environment

    from .replying import Replying

    settings = config.load().chats
    return Replying(ChatTable(Environment.read().chats_table, timedelta(days=settings.keep_days)), settings)
