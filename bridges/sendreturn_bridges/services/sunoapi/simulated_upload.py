"""The upload host of the simulated Suno API."""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sendreturn.testing.simulator import Answer, Simulator, Unfetchable
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

PREFIX = "/upload"
MIB = 2**20


def say_no(code: int, msg: str) -> Response:
    """The upload host's way; its status is the code."""
    return JSONResponse({"success": False, "code": code, "msg": msg}, code)


class UploadHost:
    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def routes(self) -> Sequence[Route]:
        handlers = {"stream": self._stream, "base64": self._base64, "url": self._url}
        return [
            self._simulator.free(f"{PREFIX}/api/file-{name}-upload", handler, ["POST"])
            for name, handler in handlers.items()
        ]

    async def _stream(self, request: Request) -> Response:
        async with request.form() as form:
            file, path = form.get("file"), form.get("uploadPath")
            if not isinstance(file, UploadFile):
                return say_no(400, "Missing required parameter: file")
            self._check_path(path)
            name = str(form.get("fileName") or f"{self._simulator.new_id()}{Path(file.filename or '').suffix}")
            target = self._simulator.folder / f"received-{self._simulator.new_id()}"
            with target.open("wb") as kept:
                while block := await file.read(MIB):
                    kept.write(block)
        return await self._kept(target, str(path), name)

    async def _base64(self, request: Request) -> Response:
        asked = await self._simulator.body(request)
        self._check_path(asked.get("uploadPath"))
        encoded = re.sub(r"^data:[^,]*,", "", str(asked.get("base64Data") or ""))
        try:
            data = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            return say_no(400, "Base64 decoding failed: Invalid Base64 format")
        return await self._kept(data, str(asked["uploadPath"]), str(asked.get("fileName") or "file"))

    async def _url(self, request: Request) -> Response:
        asked = await self._simulator.body(request)
        self._check_path(asked.get("uploadPath"))
        try:
            path = await self._simulator.take_clip(str(asked.get("fileUrl") or ""))
        except Unfetchable as problem:
            return say_no(400, f"Download failed: {problem}")
        return await self._kept(path, str(asked["uploadPath"]), str(asked.get("fileName") or path.name))

    def _check_path(self, path: Any) -> None:
        if not path:
            raise Answer(say_no(400, "Missing required parameter: uploadPath"))
        if str(path).startswith("/") or str(path).endswith("/"):
            raise Answer(say_no(400, "uploadPath must not begin or end with a slash"))

    async def _kept(self, data: bytes | Path, folder: str, name: str) -> Response:
        file = await asyncio.to_thread(self._simulator.media.keep, data, name)
        told: Mapping[str, Any] = {
            "fileName": name,
            "filePath": f"{folder}/{name}",
            "downloadUrl": self._simulator.address_of(file),
            "fileSize": file.path.stat().st_size,
            "mimeType": file.content_type,
            "uploadedAt": datetime.now(UTC).isoformat(),
        }
        return JSONResponse({"success": True, "code": 200, "msg": "File uploaded successfully", "data": told})
