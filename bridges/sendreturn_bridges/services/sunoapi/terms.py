"""What Suno API takes, and at which price: limits by model, as the manifest and the user's settings have them."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from sendreturn.contract import Ask, Clip, Manifest
from sendreturn.errors import Refusal

from sendreturn_bridges.services.sunoapi.reading import number

WAV_BYTES_PER_SAMPLE = 4


class Terms:
    """The terms of one account.

    Args:
        options: The service's settings: `model`, `prices`, and the options `longest_upload_s` (where an account may
            upload less than the manifest says), `long_titles` (titles of 100 characters, for the models that have
            them) and `more_models` (names that the service has added since).
    """

    def __init__(self, manifest: Manifest, options: Mapping[str, Any]) -> None:
        self.manifest = manifest
        self.options = options
        self.limits = manifest.limits
        newest: Mapping[str, Any] = self.limits["models"][self.limits["default_model"]]
        more = options.get("more_models")
        added = {str(name): newest for name in more} if isinstance(more, list) else {}
        self._models: dict[str, Mapping[str, Any]] = {**self.limits["models"], **added}

    # Models

    def model(self, ask: Ask) -> tuple[str, tuple[str, ...]]:
        """The model for a send, and a sentence where it is not the configured one.

        Raises:
            Refusal: the send itself names a model that cannot do this.
        """
        able: list[str] = list(self.manifest.operations[ask.operation].options.get("models", self._models))
        if ask.params.model is not None:
            return self._named(ask.params.model, able, ask.operation), ()
        configured = _plain(str(self.options.get("model") or ""))
        if configured in able:
            return configured, ()
        usual = self.limits["default_model"] if self.limits["default_model"] in able else able[0]
        told = (f"{configured} of the configuration has no {ask.operation} at Suno API; {usual} was used.",)
        return usual, told if configured else ()

    def model_of(self, made_with: str, wanted: str) -> tuple[str, tuple[str, ...]]:
        """The model for continuing a song: the service takes no other than the song was made with."""
        model = _plain(made_with)
        if model not in self._models:
            return wanted, ()
        other = wanted != model
        return model, ((f"A song made with {model} goes on with it, not with {wanted}.",) if other else ())

    def takes_duration(self, model: str) -> bool:
        return bool(self._limits_of(model).get("takes_duration"))

    def _named(self, name: str, able: list[str], operation: str) -> str:
        known = _plain(name)
        if known in able or (known in self._models and known not in self.limits["models"]):
            return known
        near = difflib.get_close_matches(known, able, 1)
        hint = f"Did you mean {near[0]}?" if near and known not in self._models else f"It takes {', '.join(able)}."
        raise Refusal(f"Suno API has no model {name} for {operation}.", hint)

    def _limits_of(self, model: str) -> Mapping[str, Any]:
        return self._models.get(model, self._models[self.limits["default_model"]])

    # Texts

    def text(self, name: str, value: str, model: str, *, field: str = "") -> str:
        """A text that fits; `field` names the limit where it is not that of `name`. Raises Refusal."""
        limits = self._limits_of(model)
        most = limits.get("long_title") if name == "title" and self.options.get("long_titles") else None
        return self.fitted(name, value, int(most or limits[field or name]), f" with {model}")

    def fitted(self, name: str, value: str, most: int, where: str = "", hint: str = "") -> str:
        """A text of at most so many characters. Raises Refusal."""
        if len(value) > most:
            raise Refusal(
                f"{name} has {len(value)} characters; Suno API takes at most {most}{where}.",
                hint or f"Shorten it by {len(value) - most} characters.",
            )
        return value

    # Clips

    def check_upload(self, ask: Ask, model: str | None) -> None:
        """Whether the clip is short enough to be uploaded for this model. Raises Refusal."""
        if ask.clip is None or ask.earlier is not None:
            return
        limits = [number(self.options.get("longest_upload_s"))]
        if model is not None:
            limits.append(number(self._limits_of(model).get("longest_clip_s")))
        longest_s = min((limit for limit in limits if limit), default=None)
        if longest_s is not None and ask.clip.duration_s > longest_s:
            with_model = f" with {model}" if model else ""
            raise Refusal(
                f"The clip is {ask.clip.duration_s:.1f} s long; Suno API takes at most {longest_s:g} s{with_model}.",
                f"Send at most {longest_s:g} s of it with range_s, or choose another model.",
            )

    def check_size(self, clip: Clip) -> None:
        """Whether a separation can take the clip from its address. Raises Refusal."""
        most, size = int(self.limits["separation_bytes"]), _bytes(clip)
        if size > most:
            fits_s = int(clip.duration_s * most / size)
            raise Refusal(
                f"The clip has {size / 2**20:.1f} MB; Suno API separates at most {most / 2**20:.0f} MB.",
                f"Send an MP3 of it, or at most {fits_s} s with range_s.",
            )

    # Prices

    def price(self, name: str) -> float:
        """Credits for one request: what the user has set, else what the manifest says."""
        own = self.manifest.operations.get(name)
        usual = float(self.limits["prices"].get(name, own.credits if own else 0.0))
        configured = (self.options.get("prices") or {}).get(name)
        return usual if configured is None else float(configured)


def _plain(name: str) -> str:
    return name.strip().upper().replace(".", "_").replace("-", "_")


def _bytes(clip: Clip) -> int:
    """The size of the file, or of what is sent of it where that is certainly less."""
    as_float = clip.frames * clip.channels * WAV_BYTES_PER_SAMPLE
    try:
        return min(clip.path.stat().st_size, as_float)
    except OSError:
        return as_float
