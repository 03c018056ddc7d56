"""From a command to what is understood of it, with what the run has heard before."""

from backstay.campaigns.listing import CampaignList
from backstay.campaigns.ownership import own_run
from backstay.task import Job, llm

from .answers import answer_to
from .follow_up import completed, insights_of, workflow_of
from .history import HistoryTable, Said
from .models import Command, ParsedCommand, Understanding
from .prompt import PROMPT_VERSION, prompt
from .rules import understand_by_rules

_LONGEST_ANSWER_TOKENS = 4_096  # a command of 10,000 characters may come back as the campaign's message


class Parsing:
    """Parses commands.

    Args:
        histories: what runs have heard.
        campaigns: what can be told of campaigns.
    """

    def __init__(self, histories: HistoryTable, campaigns: CampaignList) -> None:
        self._histories, self._campaigns = histories, campaigns

    def parse(self, command: Command, job: Job) -> ParsedCommand:
        """Ask a model; where there is none to ask, the rules must do.

        Raises:
            LLMError: a model gave no answer.
            Rejected: the run is another tenant's.
        """
        run_id = own_run(command.run_id, job)
        earlier = [said.command for said in self._histories.read(job.tenant, run_id).before(job.id).last]
        policy = llm.CachePolicy(
            normalise=True,
            prompt_version=PROMPT_VERSION,
            also=(command.workflow_type, command.context.user_type or ""),
        )
        try:
            understood = llm.complete(
                prompt(command, earlier, job.submitted_at),
                output=Understanding,
                max_output_tokens=_LONGEST_ANSWER_TOKENS,
                cache=policy,
            )
        except llm.NotConfigured as error:
            return self.parse_by_rules(command, job, str(error))
        return self._followed_up(command, job, understood, why=None)

    def parse_by_rules(self, command: Command, job: Job, why: str) -> ParsedCommand:
        """By words alone, and say why."""
        understood = understand_by_rules(command.command.command, job.submitted_at)
        return self._followed_up(command, job, understood, why)

    def _followed_up(self, command: Command, job: Job, understood: Understanding, why: str | None) -> ParsedCommand:
        text, run_id = command.command.command, own_run(command.run_id, job)
        understood = completed(understood, command.command.priority)
        said = Said(
            job_id=job.id,
            command=text,
            user=command.context.user,
            intent=understood.intent,
            confidence=understood.confidence,
            at=job.submitted_at,
        )
        history = self._histories.add(job.tenant, run_id, said).before(job.id)
        insights = insights_of(text, [said.command for said in history.last], history.count)
        return ParsedCommand(
            **dict(understood),
            workflow=workflow_of(run_id, understood, insights),
            creates=understood.intent.creates,
            answer=answer_to(understood, lambda: self._campaigns.newest(job.tenant)),
            source="model" if why is None else "rules",
            why=why,
        )
