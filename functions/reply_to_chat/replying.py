"""From a message to its reply: admitted, put into its conversation, answered, and kept."""

import time
from collections.abc import Sequence
from dataclasses import replace

from backstay.chats.bot import Bot
from backstay.chats.table import ChatTable, position_of
from backstay.chats.turn import Answered, Format, Turn
from backstay.chats.window import Full
from backstay.clock import Clock, utc_now
from backstay.config import ChatSettings
from backstay.errors import ErrorClass, WorkError
from backstay.task import Job, llm

from .formats import convert
from .models import ChatMessage, ChatReply

TURNS_SHOWN = 5
"""Earlier turns that the model is shown: ten messages."""

_LONGEST_REPLY_TOKENS = 1_024
_HOW_TO_WRITE: dict[Format, str] = {
    "plain": "Write plain text, without any markup.",
    "markdown": "Write Markdown.",
    "whatsapp": "Write short paragraphs in Markdown, without tables.",
}


class Replying:
    """Replies to messages.

    Args:
        chats: bots and conversations.
        settings: what bots do that say nothing else.
        clock: UTC.
    """

    def __init__(self, chats: ChatTable, settings: ChatSettings, clock: Clock = utc_now) -> None:
        self._chats, self._settings, self._clock = chats, settings, clock

    def reply(self, message: ChatMessage, job: Job) -> ChatReply:
        """Answer a message, or give the answer that an earlier run of the job kept.

        Raises:
            WorkError: of class `rate_exceeded`, where the session has sent too many messages in the last minute.
            LLMError: no model gave an answer.
        """
        turn = self._turn(message, job)
        if turn.answered:
            return _reply_of(turn.answered, message.format)
        conversation = self._conversation(message, job, turn)
        began = time.monotonic()
        answer = llm.ask(conversation, max_output_tokens=_LONGEST_REPLY_TOKENS, cache=False)
        return self._keep(
            turn,
            job,
            Answered(
                text=convert(answer.value, message.format),
                at=self._clock(),
                is_fallback=False,
                input_tokens=answer.input_tokens,
                output_tokens=answer.output_tokens,
                latency_ms=_ms_since(began),
            ),
        )

    def fall_back(self, message: ChatMessage, job: Job) -> ChatReply | None:
        """The bot's fallback text as the answer, or None where it has none."""
        text = self._bot(message, job).fallback_text
        if not text:
            return None
        answered = Answered(text, self._clock(), is_fallback=True, input_tokens=0, output_tokens=0, latency_ms=0)
        return self._keep(_new_turn(message, job), job, answered)

    def _turn(self, message: ChatMessage, job: Job) -> Turn:
        """The turn that this message begins, which the API may have begun already."""
        kept = self._chats.turn(job.tenant, message.session_id, job.submitted_at, message.message_id)
        if kept:
            return kept
        full = self._chats.admit(job.tenant, message.session_id, message.message_id, self._clock())
        if isinstance(full, Full):
            raise WorkError(
                ErrorClass.RATE_EXCEEDED,
                f"session {message.session_id} has sent too many messages in the last minute",
                retry_after_s=full.wait_s,
            )
        turn = _new_turn(message, job)
        self._chats.begin(job.tenant, turn)
        return turn

    def _conversation(self, message: ChatMessage, job: Job, turn: Turn) -> llm.Conversation:
        bot = self._bot(message, job)
        earlier = self._chats.turns_before(job.tenant, message.session_id, position_of(turn), TURNS_SHOWN)
        return llm.Conversation(
            system=f"{bot.system_prompt}\n\n{_HOW_TO_WRITE[message.format]}",
            documents=[llm.Document(known.title, known.content, known.kind) for known in bot.documents],
            history=_history(earlier),
            message=message.text,
        )

    def _bot(self, message: ChatMessage, job: Job) -> Bot:
        bot = self._chats.bot(job.tenant, message.user_id) or Bot()
        return bot.model_copy(
            update={
                "system_prompt": bot.system_prompt or self._settings.system_prompt,
                "fallback_text": bot.fallback_text or self._settings.fallback_text,
            }
        )

    def _keep(self, turn: Turn, job: Job, answered: Answered) -> ChatReply:
        self._chats.answer(job.tenant, replace(turn, answered=answered))
        return _reply_of(answered, turn.format)


def _new_turn(message: ChatMessage, job: Job) -> Turn:
    return Turn(message.session_id, message.message_id, message.user_id, message.text, message.format, job.submitted_at)


def _history(turns: Sequence[Turn]) -> list[llm.Message]:
    history = []
    for turn in turns:
        history.append(llm.Message("user", turn.text))
        if turn.answered:
            history.append(llm.Message("assistant", turn.answered.text))
    return history


def _reply_of(answered: Answered, written: Format) -> ChatReply:
    return ChatReply(
        reply=answered.text,
        format=written,
        input_tokens=answered.input_tokens,
        output_tokens=answered.output_tokens,
        latency_ms=answered.latency_ms,
        fallback=answered.is_fallback,
    )


def _ms_since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
