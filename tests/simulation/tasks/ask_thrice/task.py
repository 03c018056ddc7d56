"""Three questions to a model, one after the other."""

from ask_once.task import PACE, Answered, Asked, Said

from backstay.task import Job, Task, llm

task = Task(name="ask-thrice", input=Asked, output=Answered, timeout=60, uses=("llm",), **PACE)


@task.run
def ask(asked: Asked, job: Job) -> Answered:
    """Ask them."""
    answers = []
    for number in range(3):
        question = f"{asked.about} {number}"
        answers.append(llm.complete(question, output=Said, max_output_tokens=40, cache=False))
        job.progress(30 * number)
    return Answered(answers=answers)
