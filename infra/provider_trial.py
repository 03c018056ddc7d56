"""The function that tries a provider while somebody waits."""

from dataclasses import dataclass

from aws_cdk import aws_iam as iam
from constructs import Construct

from backstay.trial import FUNCTION
from infra.code import FunctionsFolder
from infra.function import Function, FunctionProps, Surroundings
from infra.layer import Layers
from infra.permissions import let
from infra.reach import Reach

_TIMEOUT_S = 26  # the API must answer within 29
_MEMORY_MB = 1024  # importing an SDK is work for the CPU, which grows with it


@dataclass(frozen=True, slots=True)
class ProviderTrialProps:
    """What trying is made of."""

    folder: FunctionsFolder
    layers: Layers
    reach: Reach


class ProviderTrial(Construct):
    """Makes one tiny call, under the providers' keys; who may ask for it is let by `let_ask`."""

    def __init__(self, scope: Construct, id: str, around: Surroundings, props: ProviderTrialProps) -> None:  # noqa: A002
        super().__init__(scope, id)
        self._function = Function(
            self,
            "Try",
            around,
            FunctionProps(
                name=FUNCTION,
                description="Makes one tiny call of a provider, and tells what happened",
                handler="try_provider.handler.handler",
                code=props.folder.code_of_function("try_provider"),
                layers=[props.layers.common, props.layers.llm],
                timeout_s=_TIMEOUT_S,
                memory_mb=_MEMORY_MB,
            ),
        )
        props.reach.let_reach_providers(self._function.role)

    def let_ask(self, role: iam.Role) -> None:
        """Ask for a try, and wait for what it tells."""
        let(role, ("lambda:InvokeFunction",), self._function.lambda_function.function_arn)
