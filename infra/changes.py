"""What follows the jobs table's stream: counters, and whatever else is derived from a job's change of state."""

from dataclasses import dataclass

from constructs import Construct

from infra.code import FunctionsFolder
from infra.function import Function, FunctionProps, Surroundings
from infra.layer import Layers
from infra.live import Live
from infra.reach import Reach
from infra.streams import StreamProps, follow_stream

_BATCH = 200  # a transaction costs by its items, and most changes of a batch meet in the same few
_GATHER_S = 2


@dataclass(frozen=True, slots=True)
class ChangesProps:
    """What follows changes."""

    folder: FunctionsFolder
    layers: Layers
    reach: Reach
    live: Live


class Changes(Construct):
    """The stream's function. A record that it can't digest is set aside, so that it holds up no other."""

    def __init__(self, scope: Construct, id: str, around: Surroundings, props: ChangesProps) -> None:  # noqa: A002
        super().__init__(scope, id)
        function = Function(
            self,
            "Changes",
            around,
            FunctionProps(
                name="follow-changes",
                description="Follows the jobs table's stream: counters, accounts, and what those who watch are told",
                handler="follow_changes.handler.handler",
                code=props.folder.code_of_function("follow_changes"),
                layers=[props.layers.common],
                timeout_s=60,
                memory_mb=256,
            ),
        )
        self._follow(function, around, props.reach)
        props.live.let_tell(function.role)

    def _follow(self, function: Function, around: Surroundings, reach: Reach) -> None:
        follow_stream(
            self,
            function,
            around,
            StreamProps(
                "follow-changes",
                reach.storage.jobs,
                {"part": {"S": ["state"]}},
                _BATCH,
                _GATHER_S,
                halves_on_error=False,  # a batch fails where the table doesn't answer, and halves of it would too
                names_shards=True,
            ),
        )
        reach.storage.let_work_on_jobs(function.role)
        reach.let_announce(function.role)
