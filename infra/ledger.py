"""What follows the ledger of budgets: alerts at thresholds, jobs that go on, metrics that alarms stand on."""

from dataclasses import dataclass

from constructs import Construct

from backstay.budgets.items import PREFIX
from infra.code import WAKE_TASK, FunctionsFolder
from infra.function import Function, FunctionProps, Surroundings
from infra.layer import Layers
from infra.reach import Reach
from infra.streams import StreamProps, follow_stream

_BATCH = 500
_GATHER_S = 5


@dataclass(frozen=True, slots=True)
class LedgerProps:
    """What follows the ledger."""

    folder: FunctionsFolder
    layers: Layers
    reach: Reach


class Ledger(Construct):
    """The function that the guards table's stream feeds. Only budgets' items come to it, many at once."""

    def __init__(self, scope: Construct, id: str, around: Surroundings, props: LedgerProps) -> None:  # noqa: A002
        super().__init__(scope, id)
        function = Function(
            self,
            "Follow",
            around,
            FunctionProps(
                name="follow-ledger",
                description="Follows the ledger of budgets: thresholds, raised limits, metrics",
                handler="follow_ledger.handler.handler",
                code=props.folder.code_of_function("follow_ledger"),
                layers=[props.layers.common],
                timeout_s=60,
                memory_mb=256,
            ),
        )
        self._follow(function, around, props.reach)
        self._grant(function, props.reach)

    def _follow(self, function: Function, around: Surroundings, reach: Reach) -> None:
        follow_stream(
            self,
            function,
            around,
            StreamProps(
                "follow-ledger",
                reach.storage.guards,
                {"id": {"S": [{"prefix": PREFIX}]}},
                _BATCH,
                _GATHER_S,
                halves_on_error=True,  # nothing is done twice, and one bad record holds up few others
            ),
        )

    def _grant(self, function: Function, reach: Reach) -> None:
        role = function.role
        reach.storage.let_work_on_jobs(role)
        reach.storage.let_search_jobs(role)
        reach.storage.let_work_on_alerts(role)
        reach.let_tell(role)
        reach.queues[WAKE_TASK].let_send(role)
