"""Takes back what generate-content made: once or twice, with what it answered or without."""

from collections.abc import Sequence

from botocore.exceptions import BotoCoreError, ClientError

from backstay.campaigns.content import Compensation
from backstay.campaigns.drafts import DraftTable, Kept
from backstay.campaigns.ownership import own_run
from backstay.llm.answer_table import AnswerTable
from backstay.task import Job
from backstay.workflows.resources import ResourceTable

from .models import Compensated, TakenBack


class Compensating:
    """Compensates runs.

    Args:
        drafts: what runs have made.
        resources: what they own.
        answers: the cache of models' answers.
    """

    def __init__(self, drafts: DraftTable, resources: ResourceTable, answers: AnswerTable) -> None:
        self._drafts, self._resources, self._answers = drafts, resources, answers

    def compensate(self, wanted: Compensation, job: Job) -> Compensated:
        """Take it back. The account of what was made goes last, so that a job that dies half-way finds it again.

        Raises:
            Rejected: the run is another tenant's.
            WorkError: a table does not answer; the job is tried again.
        """
        run_id = own_run(wanted.saga_id, job)
        self._drafts.close(job.tenant, run_id)
        kept = self._drafts.of_run(job.tenant, run_id)
        cache = self._drop(_cached(wanted, kept))
        resources = self._release(wanted, run_id)
        content = self._delete(wanted, kept, job.tenant)
        return Compensated(saga_id=run_id, compensated=True, results=(content, resources, cache))

    def _delete(self, wanted: Compensation, kept: Kept, tenant: str) -> TakenBack:
        ids = kept.draft_ids if wanted.content_ids is None else wanted.content_ids
        for content_id in ids:
            self._drafts.delete_draft(tenant, wanted.saga_id, content_id)
        left = set(kept.draft_ids) - set(ids)
        for made in kept.made:
            if not left & set(made.generated.content_ids):
                self._drafts.delete_made(tenant, made)
        return TakenBack(type="content", success=True, items=tuple(ids))

    def _release(self, wanted: Compensation, run_id: str) -> TakenBack:
        resources = self._resources.owned(run_id) if wanted.resources is None else wanted.resources
        names = tuple(resource.name for resource in resources)
        self._resources.release(run_id, names)
        return TakenBack(type="resources", success=True, items=names)

    def _drop(self, answers: Sequence[tuple[str, ...]]) -> TakenBack:
        """Drop cached answers. A cache that is down keeps nobody from undoing the rest."""
        dropped: list[str] = []
        for keys in answers:
            try:
                self._answers.drop(keys)
            except (BotoCoreError, ClientError) as error:
                return TakenBack(type="cache", success=False, items=tuple(dropped), why=str(error))
            dropped.extend(keys)
        return TakenBack(type="cache", success=True, items=tuple(dropped))


def _cached(wanted: Compensation, kept: Kept) -> tuple[tuple[str, ...], ...]:
    """The keys of each answer to drop."""
    answers = [made.generated.cache_keys for made in kept.made] if wanted.cache_keys is None else [wanted.cache_keys]
    return tuple(keys for keys in dict.fromkeys(answers) if keys)
