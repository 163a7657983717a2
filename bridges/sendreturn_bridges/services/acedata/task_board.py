"""All questions for tasks, together: whoever asks while another question is out goes into the next one, as a batch."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from sendreturn.errors import Outcome, ServiceError
from sendreturn.net.api import Api
from sendreturn.net.reading import rows, table, text

MOST_IDS = 50
"""In one batch, as the vendor advises."""
LONGEST_PAUSE_S = 1.0
"""AceData wants no more than one question per second."""


class TaskBoard:
    """Asks AceData how tasks stand.

    Args:
        path: Of the task query.
        pause_s: Between two questions; those who ask meanwhile share the next one.
    """

    def __init__(self, api: Api, path: str, pause_s: float) -> None:
        self._api = api
        self._path = path
        self._pause_s = min(pause_s, LONGEST_PAUSE_S)
        self._waiting: dict[str, asyncio.Future[Mapping[str, Any]]] = {}
        self._asked_at = -LONGEST_PAUSE_S
        self._rounds: asyncio.Task[None] | None = None

    async def ask(self, task_id: str) -> Mapping[str, Any]:
        """The task as AceData tells it; empty where it tells nothing. Raises ServiceError, never with UNKNOWN."""
        if task_id not in self._waiting:
            self._waiting[task_id] = asyncio.get_running_loop().create_future()
        told = self._waiting[task_id]
        if self._rounds is None or self._rounds.done():
            self._rounds = asyncio.create_task(self._ask_all())
        return await asyncio.shield(told)

    async def close(self) -> None:
        if self._rounds is not None:
            self._rounds.cancel()
            await asyncio.gather(self._rounds, return_exceptions=True)
        for told in self._waiting.values():
            told.cancel()
        self._waiting.clear()

    async def _ask_all(self) -> None:
        asked: dict[str, asyncio.Future[Mapping[str, Any]]] = {}
        try:
            while self._waiting:
                await asyncio.sleep(max(self._asked_at + self._pause_s - time.monotonic(), 0))
                self._asked_at = time.monotonic()
                asked = {task_id: self._waiting.pop(task_id) for task_id in list(self._waiting)[:MOST_IDS]}
                await self._answer(asked)
        except BaseException as error:  # whatever ends this, nobody is left waiting for ever
            for told in (*asked.values(), *self._waiting.values()):
                if isinstance(error, asyncio.CancelledError):
                    told.cancel()
                else:
                    _fail(told, ServiceError("The question to AceData was broken off.", outcome=Outcome.RETRY))
            self._waiting.clear()
            raise

    async def _answer(self, asked: Mapping[str, asyncio.Future[Mapping[str, Any]]]) -> None:
        try:
            found = await self._query(list(asked))
        except ServiceError as error:
            for told in asked.values():
                _fail(told, _passing(error))
        except Exception as error:  # whatever breaks here, those who wait must hear of it
            for told in asked.values():
                _fail(told, error)
        else:
            for task_id, told in asked.items():
                if not told.done():
                    told.set_result(found.get(task_id, {}))

    async def _query(self, ids: list[str]) -> dict[str, Mapping[str, Any]]:
        if len(ids) == 1:
            answer = await self._api.ask(self._path, {"action": "retrieve", "id": ids[0]})
            return {ids[0]: table(answer.body)}
        answer = await self._api.ask(self._path, {"action": "retrieve_batch", "ids": ids})
        return {text(task.get("id")): task for task in rows(table(answer.body).get("items"))}


def _fail(told: asyncio.Future[Mapping[str, Any]], error: Exception) -> None:
    if not told.done():
        told.set_exception(error)
        told.exception()  # whoever waited may be gone; that is no fault


def _passing(error: ServiceError) -> ServiceError:
    """A question that failed says nothing of the task, unless it is about the key."""
    outcome = Outcome.ASK if error.outcome is Outcome.ASK else Outcome.RETRY
    return ServiceError(error.what, error.hint, error.detail, outcome, of_account=error.of_account)
