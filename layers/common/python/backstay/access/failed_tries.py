"""How often a caller has shown a wrong key of late: counted for all processes together, in the guards table."""

from datetime import timedelta

from backstay import aws
from backstay.clock import Clock, epoch_ms, utc_now
from backstay.dynamodb import decode_item, encode_item

_KEPT_AT_MOST = 100


class FailedTries:
    """Counts within a window that slides.

    Args:
        table: the guards table.
        window: how far back a try counts.
        clock: UTC.
    """

    def __init__(self, table: str, window: timedelta, clock: Clock = utc_now) -> None:
        self._table, self._window, self._clock = table, window, clock

    def note(self, caller: str) -> int:
        """Count one try; answers how many there were within the window, this one among them.

        Raises:
            botocore.exceptions.ClientError: the table did not take it.
        """
        now = self._clock()
        answer = aws.dynamodb().update_item(
            TableName=self._table,
            Key=_key(caller),
            UpdateExpression="SET #tries = list_append(if_not_exists(#tries, :none), :now), #ttl = :ttl",
            ExpressionAttributeNames={"#tries": "tries", "#ttl": "ttl"},
            ExpressionAttributeValues=encode_item(
                {":none": [], ":now": [epoch_ms(now)], ":ttl": epoch_ms(now + 2 * self._window) // 1000}
            ),
            ReturnValues="UPDATED_NEW",
        )
        tries = [int(at) for at in decode_item(answer["Attributes"])["tries"]]
        since = epoch_ms(now - self._window)
        recent = [at for at in tries if at > since]
        if len(tries) > _KEPT_AT_MOST:
            self._keep(caller, recent[-_KEPT_AT_MOST // 2 :])
        return len(recent)

    def _keep(self, caller: str, tries: list[int]) -> None:
        """Keep the item small. A try that another process counts meanwhile may be lost, which at so many is nothing."""
        aws.dynamodb().update_item(
            TableName=self._table,
            Key=_key(caller),
            UpdateExpression="SET #tries = :tries",
            ExpressionAttributeNames={"#tries": "tries"},
            ExpressionAttributeValues=encode_item({":tries": tries}),
        )


def _key(caller: str) -> dict[str, dict[str, str]]:
    return {"id": {"S": f"tries#{caller}"}}
