"""Parts that hold when the world doesn't. Each is usable alone; one example of each stands in docs/resilience.md.

| part | what it is for |
|---|---|
| `breaker.CircuitBreaker(table, settings)` | `admit(name)` → `Admission`; `stats`, `list`, `reset`, `hold_open` |
| `rate_limit.RateLimit(name, limits, table)` | `take(tokens, priority)` → `Permit`; `use()` |
| `bulkhead.Bulkhead(name, at_once, wait_s)` | `with bulkhead.seat():` |
| `deadline.deadline(seconds, operation)` | `with deadline(…):`, `remaining_s()`, `checkpoint()` |
| `retry.RetryPolicy`, `retry.retry_quickly` | how long to wait between attempts; a few quick ones in the process |
| `idempotency.Idempotency(store)` | `once(key, operation)`; `key_of`, `MemoryStore`, `idempotency_table.TableStore` |

What they refuse is a `backstay.errors.WorkError` that parks the job that met it: `CircuitOpen`, `RateExceeded`,
`BulkheadFull`, `StillRunning`. Import from the modules: a function loads what it uses.
"""
