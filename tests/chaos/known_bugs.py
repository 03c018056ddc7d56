"""Bugs that others have shipped, each with what would put it into this code, and the test that must notice."""

from dataclasses import dataclass

_LLM, _BUDGETS, _JOBS = (f"layers/common/python/backstay/{feature}" for feature in ("llm", "budgets", "jobs"))


@dataclass(frozen=True, slots=True)
class Edit:
    """One change of a file."""

    file: str
    before: str
    """Stands in the file exactly once."""
    after: str


@dataclass(frozen=True, slots=True)
class KnownBug:
    """A bug, and who knows it."""

    name: str
    test: str
    """As pytest names it; without parameters, all of them."""
    edits: tuple[Edit, ...]


KNOWN_BUGS = (
    KnownBug(
        "a budget is read, and then written",
        "tests/integration/budgets/test_ledger.py"
        "::test_money_that_another_process_takes_between_a_look_and_a_write_is_not_there",
        (
            Edit(
                f"{_BUDGETS}/store.py",
                """
        scopes = list(write.entry.scopes)
""",
                """
        scopes = list(write.entry.scopes)
        known, needed = self.read(scopes), write.entry.needed
        missing = tuple(scope for scope in needed if scope not in known)
        poor = {
            scope: budget
            for scope, budget in known.items()
            if any(account.is_hard and account.left < needed.get(scope, 0) for account in budget.accounts.values())
        }
        if missing or poor:
            raise Refused(poor, missing)
""",
            ),
            Edit(
                f"{_BUDGETS}/store.py",
                "items.post(postings[scope], write.periods, least)",
                "items.post(postings[scope], write.periods)",
            ),
        ),
    ),
    KnownBug(
        "whoever has lost its lease may finish the job",
        "tests/integration/jobs/test_worker.py::test_a_worker_cannot_finish_what_another_one_has_begun",
        (
            Edit(
                f"{_JOBS}/store.py",
                """
            values[":old_fence"] = old.fence
            condition += " AND fence = :old_fence"
""",
                """
            condition += " AND attribute_exists(fence)"
""",
            ),
        ),
    ),
    KnownBug(
        "a tenant is given another one's cached answer",
        "tests/unit/llm/test_cache.py::test_another_tenant_or_task_or_version_asks_for_itself",
        (Edit(f"{_LLM}/cache_key.py", "        scope.tenant,\n", ""),),
    ),
    KnownBug(
        "a failover's answer is cached as the primary's",
        "tests/unit/llm/test_cache.py::test_a_failover_s_answer_is_kept_under_the_model_that_gave_it",
        (
            Edit(
                f"{_LLM}/completion.py",
                "Fresh(key_of(scope, str(got.route), got.request), answer)",
                "Fresh(self._cache_keys[0], answer)",
            ),
        ),
    ),
    KnownBug(
        "a 401 is retried",
        "tests/unit/llm/test_complete.py::test_a_status_becomes_its_class_after_one_try",
        (
            Edit(
                f"{_LLM}/calling.py",
                """
                self.board.distrust(route)
""",
                """
                self.board.distrust(route)
                return self.board.provider(route).ask(request, route.model, timeout_s).text
""",
            ),
        ),
    ),
    KnownBug(
        "a breaker counts a 400 and a 401 as an outage",
        "tests/unit/llm/test_decision.py::test_only_what_says_that_a_provider_is_down_counts_for_its_breaker",
        (
            Edit(
                f"{_LLM}/decision.py",
                "ErrorClass.SERVER, ErrorClass.TIMEOUT})",
                "ErrorClass.SERVER, ErrorClass.TIMEOUT, ErrorClass.AUTH, ErrorClass.INVALID_REQUEST})",
            ),
        ),
    ),
    KnownBug(
        "half an answer is taken for a whole one",
        "tests/unit/llm/test_complete.py::test_a_truncated_answer_is_an_error_though_it_could_be_read",
        (
            Edit(
                f"{_LLM}/calling.py",
                "        case Finish.COMPLETE:\n",
                "        case Finish.COMPLETE | Finish.TRUNCATED:\n",
            ),
        ),
    ),
    KnownBug(
        "a job that runs again pays again for what it was answered",
        "tests/unit/llm/test_complete.py::test_a_later_run_of_a_job_does_not_pay_again",
        (Edit(f"{_LLM}/completion.py", "kept = log.recall(number)", "kept = None"),),
    ),
    KnownBug(
        "a budget's refusal uses up an attempt",
        "tests/integration/test_charged_calls.py"
        "::test_at_the_hard_limit_no_call_is_made_and_the_job_waits_for_the_window",
        (
            Edit(
                "layers/common/python/backstay/errors.py",
                "ErrorClass.BUDGET_EXCEEDED: Disposition.PARK",
                "ErrorClass.BUDGET_EXCEEDED: Disposition.RETRY",
            ),
        ),
    ),
    KnownBug(
        "a redriven job keeps its used-up attempts",
        "tests/integration/operations/test_redrive.py::test_all_failed_jobs_are_sent_anew_with_their_attempts_reset",
        (
            Edit(
                f"{_JOBS}/record.py",
                """
            generation=self.generation + 1,
            attempts=0,
""",
                """
            generation=self.generation + 1,
""",
            ),
        ),
    ),
    KnownBug(
        "cached tokens are settled at the price of fresh ones",
        "tests/unit/bench/test_usage_shapes.py::test_an_answer_costs_what_the_provider_s_price_list_says",
        (Edit(f"{_LLM}/prices.py", "        cache_read_tokens=usage.cached_tokens,\n", ""),),
    ),
    KnownBug(
        "a budget's alert comes again and again within its window",
        "tests/integration/alerts/test_alerting.py"
        "::test_what_may_alert_once_in_a_period_does_so_once_even_once_it_is_resolved",
        (
            Edit(
                "layers/common/python/backstay/alerts/alert.py",
                "{occurrence.once_in or name_of(occurrence)}",
                "{name_of(occurrence)}",
            ),
        ),
    ),
    KnownBug(
        "a check is skipped where an optional parameter is given",
        "tests/integration/api/test_provider_routes.py::test_who_names_a_model_may_not_try_more_than_who_does_not",
        (
            Edit(
                "functions/api/provider_routes.py",
                """
    _checked(name, "trying a provider")
    wanted = model or model_to_try(services().config, name)
""",
                """
    wanted = model or model_to_try(services().config, _checked(name, "trying a provider"))
""",
            ),
        ),
    ),
    KnownBug(
        "a tenant that a request names is believed",
        "tests/integration/api/test_isolation.py"
        "::test_no_answer_holds_anything_of_another_tenants_and_nothing_of_theirs_changes",
        (
            Edit(
                "layers/common/python/backstay/access/caller.py",
                """
        if not self.may_touch(named):
            raise OfAnotherTenant(self.key_id, self.tenant, named)
""",
                "\n",
            ),
        ),
    ),
    KnownBug(
        "an error quotes the key that was refused",
        "tests/unit/llm/test_bad_servers.py::test_a_key_that_a_server_quotes_is_told_to_nobody_whatever_it_looks_like",
        (Edit(f"{_LLM}/errors.py", "        message = message.replace(secret, A_KEY)\n", "        pass\n"),),
    ),
)
