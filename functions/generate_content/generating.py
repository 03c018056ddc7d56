"""From a brief to drafts, once for each step of a run."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from backstay.campaigns.brief import Channel
from backstay.campaigns.content import Compensation, Content, GeneratedContent, Piece
from backstay.campaigns.drafts import DraftTable, Made
from backstay.campaigns.listing import Listed
from backstay.campaigns.ownership import own_run
from backstay.clock import iso
from backstay.task import Job, llm
from backstay.workflows.resources import Resource

from .fitting import VERSION as VALIDATORS
from .fitting import Fitted, fit
from .models import Brief, Copy, Written
from .prompt import PROMPT_VERSION, prompt
from .templates import VERSION as TEMPLATES
from .templates import by_template, subject_of

_LONGEST_ANSWER_TOKENS = 8_192


class Generating:
    """Generates content and keeps it as drafts.

    Args:
        drafts: where it is kept.
    """

    def __init__(self, drafts: DraftTable) -> None:
        self._drafts = drafts

    def generate(self, brief: Brief, job: Job) -> GeneratedContent:
        """Ask a model; where there is none to ask, templates must do. What an earlier attempt has made is given again.

        Raises:
            LLMError: a model gave no answer.
            Rejected: the run is another tenant's, or was compensated.
        """
        if made := self._drafts.made(job.tenant, own_run(brief.run_id, job), job.id):
            return made
        policy = llm.CachePolicy(normalise=True, prompt_version=PROMPT_VERSION)
        try:
            reply = llm.ask(
                prompt(brief), output=Copy, max_output_tokens=_LONGEST_ANSWER_TOKENS, temperature=0.7, cache=policy
            )
        except llm.NotConfigured as error:
            return self.generate_by_template(brief, job, str(error))
        return self._keep(brief, job, reply.value.texts, reply.cache_keys, why=None)

    def generate_by_template(self, brief: Brief, job: Job, why: str) -> GeneratedContent:
        """The brief's own words in fixed forms, marked so, and why."""
        return self._keep(brief, job, (), (), why)

    def _keep(
        self, brief: Brief, job: Job, texts: Sequence[Written], cache_keys: tuple[str, ...], why: str | None
    ) -> GeneratedContent:
        run_id, step = own_run(brief.run_id, job), job.id.rsplit(".", 1)[-1]
        pieces = tuple(_piece(brief, channel, texts, step, why) for channel in brief.wanted())
        ids = tuple(piece.content_id for piece in pieces)
        resources = tuple(_reservations(brief.wanted(), step))
        generated = GeneratedContent(
            run_id=run_id,
            campaign_id=brief.campaign_id,
            content=Content(**{piece.channel.value: piece for piece in pieces}),
            content_ids=ids,
            resources=resources,
            cache_keys=cache_keys,
            compensation=Compensation(saga_id=run_id, content_ids=ids, resources=resources, cache_keys=cache_keys),
            source="model" if any(piece.source == "model" for piece in pieces) else "template",
            why=why,
        )
        listed = Listed(
            run_id=run_id,
            campaign_id=brief.campaign_id,
            name=brief.name,
            channels=brief.wanted(),
            created_at=iso(job.submitted_at),
        )
        return self._drafts.keep(job.tenant, Made(job.id, generated, listed))


def _piece(brief: Brief, channel: Channel, texts: Sequence[Written], step: str, why: str | None) -> Piece:
    """The model's text for a channel; a template's where it wrote none, or nothing in it."""
    written = next((text for text in texts if text.channel is channel), None)
    if written and (fitted := _fitted(brief, written)).body:
        return _made(channel, step, fitted, "model", ())
    reasons = () if why else ("the model wrote nothing for this channel",)
    return _made(channel, step, _fitted(brief, by_template(brief, channel)), "template", reasons)


def _fitted(brief: Brief, text: Written) -> Fitted:
    return fit(
        text.channel,
        text.subject,
        text.body,
        wanted_subject=subject_of(brief),
        promo_code=brief.offers.promo_code,
    )


def _made(
    channel: Channel, step: str, fitted: Fitted, source: Literal["model", "template"], reasons: tuple[str, ...]
) -> Piece:
    return Piece(
        content_id=f"{step}-{channel}",
        channel=channel,
        subject=fitted.subject,
        body=fitted.body,
        source=source,
        repairs=(*reasons, *fitted.repairs),
    )


def _reservations(channels: Iterable[Channel], step: str) -> Iterator[Resource]:
    """A channel's template and the validator of its limits, as they are now. Named by the step, so that a run can be
    handed another's without meeting its own."""
    for channel in channels:
        for kind, version in (("template", TEMPLATES), ("validator", VALIDATORS)):
            yield Resource(type=kind, name=f"{kind}:{channel}@{version}:{step}")
