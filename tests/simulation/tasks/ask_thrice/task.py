"""Three questions to a model, one after the other."""

from ask_once.task import Answered, Asked, Said

from backstay.task import Job, Task, llm

task = Task(
    name="ask-thrice",
    input=Asked,
    output=Answered,
    timeout=60,
    backoff=2,
    concurrency=4,
    give_up_after=900,
    uses=("llm",),
)


@task.run
def ask(asked: Asked, job: Job) -> Answered:
    """Ask them."""
    answers = []
    for number in range(3):
        question = f"{asked.about} {number}"
        answers.append(llm.complete(question, output=Said, max_output_tokens=40, cache=False))
        job.progress(30 * number)
    return Answered(answers=answers)
