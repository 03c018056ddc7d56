"""The HTTP API as the command sees it: answers as they come, refusals as problems that a person understands."""

from collections.abc import Iterator, Mapping
from typing import Any

import httpx

from cli.problems import ExitCode, Problem
from cli.target import KEY_VARIABLE, Target

_CODES = {
    400: ExitCode.USAGE,
    401: ExitCode.REFUSED,
    403: ExitCode.REFUSED,
    404: ExitCode.NOT_FOUND,
    409: ExitCode.CONFLICT,
    413: ExitCode.USAGE,
    422: ExitCode.USAGE,
}
_REMEDIES = {
    401: f"set {KEY_VARIABLE} or --api-key; make a key with: backstay keys create NAME",
    403: "use a key with that scope and tenant: backstay keys ls",
    413: "upload it first: POST /api/uploads",
    422: "mend what is named above",
    429: "try again in a moment",
}
_LISTED_BY = {"/api/runs": "saga runs", "/api/sagas": "saga ls", "/api/jobs": "jobs ls", "/api/keys": "keys ls"}
"""Which command shows what there is, by what a path begins with."""

_TIMEOUT_S = 40  # an API Gateway request ends at 30


class Refused(Problem):
    """The API answered with problem details; `status` is HTTP's."""

    def __init__(self, status: int, cause: str, path: str) -> None:
        super().__init__(cause, _remedy(status, path), _CODES.get(status, ExitCode.FAILED))
        self.status = status


def _remedy(status: int, path: str) -> str:
    listed_by = next((command for prefix, command in _LISTED_BY.items() if path.startswith(prefix)), None)
    if status == 404:
        return f"see what there is: backstay {listed_by}" if listed_by else "see what there is with the command's ls"
    if status == 409 and (path == "/api/jobs" or path.startswith("/api/sagas/")):
        return "use another --key, or send the same input"
    if status == 409 and listed_by:
        return f"see how it stands: backstay {listed_by.split()[0]} show"
    return _REMEDIES.get(status, "see the API's log; its correlation id is above" if status >= 500 else "")


class Api:
    """Calls to one Backstay's API. Close it, or use it as a context."""

    def __init__(self, target: Target) -> None:
        headers = {"Authorization": f"Bearer {target.api_key}"} if target.api_key else {}
        self._target = target
        # Loopback must not go through a proxy that the environment names.
        self._http = httpx.Client(headers=headers, timeout=_TIMEOUT_S, trust_env=not target.is_local)

    def __enter__(self) -> "Api":
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def get(self, path: str, **query: str | int | None) -> dict[str, Any]:
        """What a GET answers; parameters that are None are left out."""
        return self._call("GET", path, params={name: value for name, value in query.items() if value is not None})

    def get_text(self, path: str, **query: str | int | None) -> str:
        """What a GET answers that is no JSON, such as CSV."""
        return self._answer(
            "GET", path, params={name: value for name, value in query.items() if value is not None}
        ).text

    def post(
        self, path: str, body: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """What a POST answers."""
        return self._call("POST", path, json=dict(body or {}), headers=dict(headers or {}))

    def put(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """What a PUT answers."""
        return self._call("PUT", path, json=dict(body))

    def delete(self, path: str) -> dict[str, Any]:
        """What a DELETE answers."""
        return self._call("DELETE", path)

    def jobs(self, limit: int, **query: str | None) -> Iterator[dict[str, Any]]:
        """Jobs, newest first, over as many pages as it takes to have `limit` of them."""
        return self._list("/api/jobs", "jobs", limit, query)

    def runs(self, limit: int, **query: str | None) -> Iterator[dict[str, Any]]:
        """Runs of sagas, newest first, over as many pages as it takes to have `limit` of them."""
        return self._list("/api/runs", "runs", limit, query)

    def budgets(self, limit: int, **query: str | None) -> Iterator[dict[str, Any]]:
        """Budgets by name, over as many pages as it takes to have `limit` of them."""
        return self._list("/api/budgets", "budgets", limit, query)

    def alerts(self, limit: int, **query: str | None) -> Iterator[dict[str, Any]]:
        """Alerts, latest first, over as many pages as it takes to have `limit` of them."""
        return self._list("/api/alerts", "alerts", limit, query)

    def _list(self, path: str, name: str, limit: int, query: Mapping[str, str | None]) -> Iterator[dict[str, Any]]:
        cursor: str | None = None
        while limit > 0:
            page = self.get(path, limit=min(limit, 100), cursor=cursor, **query)
            yield from page[name][:limit]
            limit -= len(page[name])
            cursor = page.get("cursor")
            if not cursor:
                return

    def _call(self, method: str, path: str, **content: Any) -> dict[str, Any]:
        answer = self._answer(method, path, **content)
        try:
            document: dict[str, Any] = answer.json()
        except ValueError as error:
            raise Problem(f"{method} {path} answered no JSON: {answer.text[:200]!r}", "check the API's URL") from error
        return document

    def _answer(self, method: str, path: str, **content: Any) -> httpx.Response:
        try:
            answer = self._http.request(method, self._target.api_url + path, **content)
        except httpx.TransportError as error:
            cause = f"{self._target.name} does not answer at {self._target.api_url}: {error}"
            remedy = "restart it: backstay down, backstay up" if self._target.is_local else "check the network"
            raise Problem(cause, remedy, ExitCode.NOT_REACHABLE) from error
        if not answer.is_success:
            raise _refused(answer, path)
        return answer


def _refused(answer: httpx.Response, path: str) -> Refused:
    """RFC 9457 problem details as a problem for the terminal; the gateway's own answers have less to say."""
    try:
        details: dict[str, Any] = answer.json()
    except ValueError:
        details = {}
    status = answer.status_code
    cause = str(details.get("detail") or details.get("title") or details.get("message") or f"HTTP {status}")
    errors = details.get("errors") or []
    lines = [f"{entry.get('field') or 'input'}: {entry.get('message')}" for entry in errors]
    return Refused(status, "\n  ".join([cause, *lines]), path)
