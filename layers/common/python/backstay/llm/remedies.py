"""What an operator can do about a failed call; every message of one ends with it."""

from backstay.errors import ErrorClass

FOR_A_USELESS_ANSWER = "make the prompt clearer, or use a better model"
_REMEDIES = {
    ErrorClass.AUTH: (
        "put a working key into the secret that [providers.{provider}] names (backstay secrets set NAME), "
        "or give it access to {model}"
    ),
    ErrorClass.PAYMENT: "top up the credit or raise the spending limit of the account behind [providers.{provider}]",
    ErrorClass.MODERATION: "look at the job's input: it, or what the model made of it, was refused",
    ErrorClass.CONTEXT_LENGTH: "shorten the prompt, or add a route to a model with a larger window",
    ErrorClass.TIMEOUT: "if it needs longer as a rule, raise timeout_s of [providers.{provider}] or ask for less",
    ErrorClass.RATE_LIMITED: "lower [providers.{provider}.limits], or ask the provider for more",
    ErrorClass.INVALID_REQUEST: "mend the request, or the model's name in the route",
}
_MODEL_MISSING = (
    "there is no model {model} at {provider} for this account; mend the route or base_url, or have it enabled"
)


def remedy(error_class: ErrorClass, provider: str, model: str, status: int | None) -> str:
    """One clause; empty where time is the remedy."""
    template = _MODEL_MISSING if status == 404 else _REMEDIES.get(error_class, "")
    return template.format(provider=provider, model=model)
