"""launch-campaign: a command is read, texts are drafted, a person agrees, they are delivered; or it never happened."""

from backstay.config import Config
from backstay.workflows.saga import PRE_APPROVED, Approval, Saga, Step, Undo, fact, ref, refs
from parse_command.models import CampaignStart

creates, campaign = fact("parse.creates"), {"campaign_id": ref("run.id")}
doubted = fact("parse.workflow.requires_approval") | ~fact("parse.workflow.can_proceed")
said = {"command": ref("input.command"), "context": ref("input.context", default={}), "run_id": ref("run.id")}
brief = refs("parse.parameters", "name", "type", "audience", "channels", "subject", "offers", "message")
made = refs("generate", "content_ids", "resources", "cache_keys")
texts = {**campaign, "content": ref("generate.content"), "timing": ref("parse.parameters.timing")}
take_back = Undo("compensate-content", {**made, "saga_id": ref("run.id")})


def saga(settings: Config) -> Saga:
    """Commands that create nothing end with their answer. Where nobody delivers, a campaign ends with its drafts."""
    to = settings.campaigns
    post = {"method": "POST", "headers": to.headers}
    cancel = Undo("call-http", {**post, "url": to.cancel_url, "json": {**campaign, "delivery": ref("deliver.body")}})
    steps = (
        Step("parse", "parse-command", said),
        Approval("approval", when=creates & doubted & ~PRE_APPROVED),
        Step("generate", "generate-content", {**campaign, **brief, "run_id": ref("run.id")}, take_back, when=creates),
        Step("deliver", "call-http", {**post, "url": to.delivery_url, "json": texts}, cancel, when=creates),
    )
    return Saga("launch-campaign", CampaignStart, steps if to.delivery_url else steps[:-1])
