"""A saga with nothing to undo, whose last step fails for as long as what it calls does."""

from act.task import Trial

from backstay.workflows.saga import Saga, Step, ref

calls = {"url": ref("input.url"), "run_id": ref("run.id"), "step": "call", "direction": "do"}

saga = Saga("try-again", input=Trial, steps=(Step("prepare", "obey", {"text": "begun"}), Step("call", "act", calls)))
