"""Which campaigns a tenant has: one small item for each, in the content table."""

from pydantic import BaseModel, ConfigDict

from backstay import aws
from backstay.campaigns.brief import Channel
from backstay.content import key_of, partitions_of
from backstay.dynamodb import decode_item, encode_item
from backstay.passing_trouble import passing_trouble
from backstay.workflows.run_store import RunStore

_PREFIX = "campaign#"


class Listed(BaseModel):
    """One campaign whose content has been made, and not been taken back."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    run_id: str
    campaign_id: str
    name: str | None
    channels: tuple[Channel, ...]
    created_at: str
    """ISO 8601 in UTC."""

    def key(self, tenant: str) -> dict[str, str]:
        """Where it stands in the content table."""
        return key_of(tenant, f"{_PREFIX}{self.created_at}#{self.run_id}")


class Standing(Listed):
    """A campaign, and how its run stands."""

    state: str | None
    """Of its run; None for content that was made outside of any, or whose run is no longer on record."""


class CampaignList:
    """Campaigns, the newest first. Its methods raise `WorkError` of class `unreachable` when DynamoDB fails us.

    Args:
        table: where content is kept.
        runs: knows how runs stand.
    """

    def __init__(self, table: str, runs: RunStore) -> None:
        self._table, self._runs = table, runs

    def newest(self, tenant: str, most: int = 10) -> tuple[Standing, ...]:
        """The last campaigns of a tenant: a query for each of its partitions, however many there are."""
        found = [listed for partition in partitions_of(tenant) for listed in self._newest_in(partition, most)]
        newest = sorted(found, key=lambda listed: listed.created_at, reverse=True)[:most]
        with passing_trouble("the workflows table"):
            states = {run.id: str(run.state) for run in self._runs.get_many(listed.run_id for listed in newest)}
        return tuple(Standing(**dict(listed), state=states.get(listed.run_id)) for listed in newest)

    def _newest_in(self, partition: str, most: int) -> list[Listed]:
        with passing_trouble("the content table"):
            answer = aws.dynamodb().query(
                TableName=self._table,
                KeyConditionExpression="id = :id AND begins_with(part, :prefix)",
                ExpressionAttributeValues=encode_item({":id": partition, ":prefix": _PREFIX}),
                ScanIndexForward=False,
                Limit=most,
            )
        return [Listed.model_validate_json(decode_item(item)["listed"]) for item in answer["Items"]]
