"""Clips in a store of objects that speaks S3, each under a presigned address."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sendreturn.errors import Outcome, ServiceError
from sendreturn.net.media import media_type, public_name
from sendreturn.settings.models import Hosting

KEY_VARIABLES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
EXPIRES_S = 24 * 3600
PART_BYTES = 8 * 1024 * 1024

_ASKS = frozenset(
    [
        "AccessDenied",
        "AllAccessDisabled",
        "ExpiredToken",
        "Forbidden",
        "InvalidAccessKeyId",
        "NoSuchBucket",
        "SignatureDoesNotMatch",
        "403",
        "404",
    ]
)
"""Codes of errors that only the user can put right."""


class S3:
    """A bucket for clips. Nothing is asked of it, and boto3 is not imported, before the first clip.

    Args:
        secret: Makes the names of the objects such that nobody guesses them.
        env: Holds the keys.
        tries: Of each request to the store.
    """

    def __init__(self, hosting: Hosting, secret: str, env: Mapping[str, str], tries: int = 3) -> None:
        self._hosting = hosting
        self._secret = secret.encode()
        self._env = env
        self._tries = tries
        self._client: Any = None
        self._kept: dict[str, str] = {}
        self._lock = asyncio.Lock()

    async def url_for(self, send_id: str, clip: Path) -> str:
        """Upload a clip, streamed from disk, and sign an address for a day. Safe to repeat.

        Raises:
            ServiceError: the store did not take it.
        """
        key = self._key_of(send_id, clip)
        url: str = await self._call(lambda client: self._put(client, key, clip))
        self._kept[send_id] = key
        return url

    def keep(self, send_id: str, clip: Path) -> None:
        """Have `withdraw` remove the clip of a send that an earlier life of this daemon may have uploaded."""
        self._kept[send_id] = self._key_of(send_id, clip)

    async def withdraw(self, send_id: str) -> None:
        """Remove the clip of a send, if one was uploaded. A store that does not answer keeps it."""
        key = self._kept.pop(send_id, None)
        if key is None:
            return
        try:
            await self._call(lambda client: client.delete_object(Bucket=self._hosting.bucket, Key=key))
        except ServiceError:
            return

    async def close(self) -> None:
        if self._client is not None:
            await asyncio.to_thread(self._client.close)
            self._client = None

    def _put(self, client: Any, key: str, clip: Path) -> str:
        from boto3.s3.transfer import TransferConfig

        one_after_another = TransferConfig(
            multipart_threshold=PART_BYTES, multipart_chunksize=PART_BYTES, use_threads=False
        )
        client.upload_file(
            str(clip), self._hosting.bucket, key, ExtraArgs={"ContentType": media_type(clip)}, Config=one_after_another
        )
        place = {"Bucket": self._hosting.bucket, "Key": key}
        return str(client.generate_presigned_url("get_object", Params=place, ExpiresIn=EXPIRES_S))

    async def _call(self, work: Callable[[Any], Any]) -> Any:
        async with self._lock:
            if self._client is None:
                self._client = await asyncio.to_thread(self._open)
        return await asyncio.to_thread(self._told, work)

    def _told(self, work: Callable[[Any], Any]) -> Any:
        from boto3.exceptions import Boto3Error
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return work(self._client)
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
        except Boto3Error as error:
            code = _code_in(error)
        except (BotoCoreError, OSError) as error:
            code = type(error).__name__
        raise self._failure(code)

    def _failure(self, code: str) -> ServiceError:
        what = f"The bucket {self._hosting.bucket} did not take the clip ({code or 'no reason given'})."
        if code in _ASKS:
            hint = f"Look at hosting.bucket, hosting.endpoint and at {' and '.join(KEY_VARIABLES)}."
            return ServiceError(what, hint, outcome=Outcome.ASK)
        return ServiceError(what, "It is tried again later.", outcome=Outcome.RETRY)

    def _open(self) -> Any:
        import boto3
        from botocore.config import Config

        # Stores other than Amazon's refuse the checksums that boto3 adds by itself since 1.36 (boto/boto3 issue 4392),
        # and name the bucket in the path.
        config = Config(
            signature_version="s3v4",
            s3={"addressing_style": "path" if self._hosting.endpoint else "auto"},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            retries={"mode": "standard", "total_max_attempts": self._tries},
            connect_timeout=15,
            read_timeout=60,
        )
        return boto3.session.Session().client(
            "s3",
            endpoint_url=self._hosting.endpoint,
            region_name=self._hosting.region or self._env.get("AWS_REGION") or "us-east-1",
            aws_access_key_id=self._env.get(KEY_VARIABLES[0]),
            aws_secret_access_key=self._env.get(KEY_VARIABLES[1]),
            aws_session_token=self._env.get("AWS_SESSION_TOKEN"),
            config=config,
        )

    def _key_of(self, send_id: str, clip: Path) -> str:
        seal = hmac.new(self._secret, f"object\n{send_id}".encode(), hashlib.sha256).hexdigest()[:32]
        return f"sendreturn/{seal}/{public_name(clip)}"


def _code_in(error: BaseException) -> str:
    """boto3 wraps what an upload met: the code is in what it was raised from."""
    cause = error.__cause__ or error.__context__
    response = getattr(cause, "response", None) or {}
    return str(response.get("Error", {}).get("Code", "")) or type(error).__name__
