"""What a request to Suno API is, from its plan to its journal entry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Request:
    """One request as it will be posted, but for the addresses of the clip and for call backs.

    Attributes:
        endpoint: Its name in `ENDPOINTS`.
        clip_field: The field of the body for the clip's address; "uploadUrlList" is a list that it comes first in.
        context: What the reader of its answers wants to know.
        unmet: Sentences on wishes that could not be passed on.
        price: Its name in the price table; the operation's own where it is empty.
    """

    endpoint: str
    body: Mapping[str, Any]
    clip_field: str = ""
    context: Mapping[str, Any] = field(default_factory=dict)
    unmet: tuple[str, ...] = ()
    price: str = ""

    def to_fields(self) -> dict[str, Any]:
        """As JSON, for a Call; `from_fields` takes it back."""
        return {
            "endpoint": self.endpoint,
            "body": dict(self.body),
            "clip_field": self.clip_field,
            "context": dict(self.context),
        }

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> Request:
        return cls(fields["endpoint"], fields["body"], fields["clip_field"], fields["context"])

    def addressed(self, clip_url: str | None, callback_field: str, callback_url: str) -> dict[str, Any]:
        """The body with its addresses."""
        body = dict(self.body)
        if self.clip_field == "uploadUrlList":
            body["uploadUrlList"] = [clip_url, *body.get("uploadUrlList", [])]
        elif self.clip_field:
            body[self.clip_field] = clip_url
        if callback_field:
            body.setdefault(callback_field, callback_url)
        return body
