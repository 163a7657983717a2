"""Stems against the mix that they are parts of: what a producer would otherwise find out by ear."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sendreturn.audio.decode import open_decoder
from sendreturn.audio.stem_measures import SetMeasures, StemMeasures, measure_set

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

NOTHING_LEFT_DB = -160.0
"""What is given for a sum that is the mix to the last bit of a double."""
SILENT = 10 ** (-70 / 20)
FAINT_DB = -55.0
"""So far below the mix a stem holds leakage and no music."""
OFFSET = 0.002
CLIPS = 3
"""A sample or two at full scale are a loud peak."""
ALIKE = 0.999
"""Correlation from which on two stems are the same audio."""
OFF_DB = -12.0
"""A sum that misses the mix by more is worth a word; separation networks leave −15 to −40 dB."""
GAIN_DB = 0.2
"""A gain that is smaller makes no difference."""
BETTER_DB = 3.0
"""By so much a gain must improve the sum before it is believed."""
DRUMS, NO_DRUMS = 0.5, 0.2
LEFTOVER = 0.1
"""Stems of less than this share of the drums' energy hold no drums, whatever they sound like."""
MUSIC, VOICE = 0.25, 0.08
"""Percussive shares that are clear: real drums have 0.7 to 0.95, full backings about 0.35, voices up to 0.03."""
LATEST_S = 0.1
LATE_FRAMES = 16
LATE_TIMES = 1.5
_WINDOW_FRAMES = 1 << 18
_RHYTHM = frozenset({"drums", "percussion", "fx", "instrumental", "other"})


@dataclass(frozen=True)
class StemReport:
    """What is to be said of a set of stems.

    Attributes:
        checks: For each stem, in the given order, its findings as sentences.
        set_checks: What concerns the set as a whole.
        residual_db: Energy of what is left when the stems' sum (with `gain_db`) is taken from the mix, relative to the
            mix; not below −160. None for a single stem and for a silent mix.
        gain_db: The one gain for all stems with which their sum fits the mix best, where they were levelled together;
            else None. It was not applied.
    """

    checks: tuple[tuple[str, ...], ...]
    set_checks: tuple[str, ...] = ()
    residual_db: float | None = None
    gain_db: float | None = None


def check_stems(mix: Path, stems: Sequence[tuple[str, Path]]) -> StemReport:
    """Compare stems, each with its name out of `words.STEMS`, with their mix. Nothing is changed.

    An instrumental beside the single instruments that it is made of is left out of the sum.

    Raises:
        ClipError: One of the files cannot be read.
    """
    names = [name for name, _ in stems]
    measured = measure_set(mix, [path for _, path in stems])
    total = _Sum(measured, _summands(names))
    checks = [
        (*_own(stem, measured), *_length(stem, measured), *_likeness(index, names, measured, total))
        for index, stem in enumerate(measured.stems)
    ]
    exchanged = tuple(_exchanged(names, measured))
    late = tuple(_late(mix, stems, measured)) if total.residual_db is None or total.residual_db > OFF_DB else ()
    return StemReport(tuple(checks), (*total.sentences(), *exchanged, *late), total.residual_db, total.gain_db)


def _summands(names: Sequence[str]) -> list[int]:
    """Which stems make the mix together."""
    instruments = set(names) - {"vocals", "backing_vocals", "instrumental"}
    return [index for index, name in enumerate(names) if name != "instrumental" or not instruments]


class _Sum:
    """The stems' sum against the mix, from their inner products."""

    def __init__(self, measured: SetMeasures, summands: Sequence[int]) -> None:
        products = measured.products
        self._mix = float(products[-1, -1])
        self._each = products[np.ix_(summands, summands)]
        self._with_mix = products[summands, -1]
        self.summands = summands
        self.residual_db: float | None = None
        self.gain_db: float | None = None
        if len(summands) > 1 and self._mix > 0:
            self._fit()

    def sentences(self) -> Iterator[str]:
        if self.gain_db is not None:
            yield (
                f"The stems were levelled together: with one gain of {self.gain_db:+.1f} dB their sum is the mix."
                " They are as they came."
            )
        elif self.residual_db is not None and self.residual_db > OFF_DB:
            yield (
                f"The stems do not add up to the mix: what is left lies {-self.residual_db:.0f} dB below it."
                f"{' Each seems to have a level of its own.' if self._have_own_levels() else ''}"
            )

    def _fit(self) -> None:
        plain = self._left_db(np.ones(len(self.summands)))
        energy = float(self._each.sum())
        gain = float(self._with_mix.sum()) / energy if energy > 0 else 0.0
        self.residual_db = plain
        if gain <= 0 or abs(20 * np.log10(gain)) < GAIN_DB:
            return
        fitted = self._left_db(np.full(len(self.summands), gain))
        if fitted < OFF_DB and fitted < plain - BETTER_DB:
            self.residual_db, self.gain_db = fitted, 20 * float(np.log10(gain))

    def _have_own_levels(self) -> bool:
        gains = np.asarray(np.linalg.lstsq(self._each, self._with_mix, rcond=1e-9)[0], dtype=np.float64)
        return bool((gains > 0).all()) and self._left_db(gains) < OFF_DB - BETTER_DB

    def _left_db(self, gains: NDArray[np.float64]) -> float:
        left = self._mix - 2 * float(gains @ self._with_mix) + float(gains @ self._each @ gains)
        return max(NOTHING_LEFT_DB, 10 * float(np.log10(max(left, 1e-30) / self._mix)))


def _own(stem: StemMeasures, measured: SetMeasures) -> Iterator[str]:
    """What a stem shows by itself."""
    if stem.peak < SILENT:
        yield "It is empty: there is no sound in it."
        return
    mix_rms = float(np.sqrt(measured.products[-1, -1] / max(measured.frames * measured.channels, 1)))
    if mix_rms > 0 and (below_db := 20 * float(np.log10(stem.rms / mix_rms))) < FAINT_DB:
        yield f"It is all but empty: it lies {-below_db:.0f} dB below the mix."
    if stem.clips >= CLIPS:
        yield f"It is clipped in {stem.clips:,} places."
    if stem.offset >= OFFSET:
        yield f"It has a DC offset of {100 * stem.offset:.1f} % of full scale."
    if stem.same_channels and measured.channels > 1:
        yield "It is mono: both sides are the same."


def _length(stem: StemMeasures, measured: SetMeasures) -> Iterator[str]:
    if stem.rate_hz != measured.rate_hz:
        yield f"It has {stem.rate_hz:,} Hz, and the mix {measured.rate_hz:,} Hz."
    more = stem.frames - measured.frames
    if more:
        word = "longer" if more > 0 else "shorter"
        yield f"It is {abs(more):,} samples ({abs(more) / measured.rate_hz:.3f} s) {word} than the mix."


def _likeness(index: int, names: Sequence[str], measured: SetMeasures, total: _Sum) -> Iterator[str]:
    """Whether a stem is another one, or the whole mix."""
    products = measured.products
    own = products[index, index]
    if measured.stems[index].peak < SILENT:
        return
    for other in range(index):
        if products[index, other] >= ALIKE * np.sqrt(own * products[other, other]) > 0:
            yield f"It is the same audio as {names[other]}."
            return
    others = sum(products[other, other] for other in total.summands if other != index)
    is_mix = products[index, -1] >= ALIKE * np.sqrt(own * products[-1, -1])
    if is_mix and others > 0.01 * products[-1, -1]:
        yield "It is the whole mix and no part of it."


def _exchanged(names: Sequence[str], measured: SetMeasures) -> Iterator[str]:
    heard = {name: stem for name, stem in zip(names, measured.stems, strict=True) if stem.peak >= SILENT}
    energies = dict(zip(names, measured.products.diagonal(), strict=False))
    drums = heard.get("drums")
    if drums is not None and drums.percussive < NO_DRUMS:
        # What separation leaves in an empty stem is often strokes.
        plain = [n for n in heard if n not in _RHYTHM and energies[n] > LEFTOVER * energies["drums"]]
        other = max(plain, key=lambda n: heard[n].percussive, default=None)
        if other is not None and heard[other].percussive > DRUMS:
            yield f"The stems drums and {other} seem to be exchanged: the strokes are in {other}."
    vocals, backing = heard.get("vocals"), heard.get("instrumental")
    if vocals is None or backing is None:
        return
    if vocals.percussive > MUSIC and backing.percussive < VOICE and vocals.deep > backing.deep:
        yield "The stems vocals and instrumental seem to be exchanged: the drums are in vocals."


def _late(mix: Path, stems: Sequence[tuple[str, Path]], measured: SetMeasures) -> Iterator[str]:
    """Stems that do not start where the mix starts, as far as their loudest part shows it clearly."""
    for (name, path), stem in zip(stems, measured.stems, strict=True):
        if stem.peak < SILENT or stem.rate_hz != measured.rate_hz:
            continue
        start = max(0, stem.loudest_frame - _WINDOW_FRAMES // 2)
        late = _lag(_mono(mix, start), _mono(path, start), round(LATEST_S * measured.rate_hz))
        if late:
            word = "after" if late > 0 else "before"
            yield f"The stem {name} starts {abs(late):,} samples {word} the mix."


def _mono(path: Path, start: int) -> NDArray[np.float64]:
    with open_decoder(path) as decoder:
        decoder.seek(min(start, decoder.info.frames))
        return np.asarray(decoder.read(_WINDOW_FRAMES, "float64").mean(axis=1))


def _lag(mix: NDArray[np.float64], stem: NDArray[np.float64], most: int) -> int:
    """By how many frames the stem comes late; 0 where it does not, and where that is not clear."""
    size = 2 * _WINDOW_FRAMES
    likeness = np.fft.irfft(np.fft.rfft(stem, size) * np.conj(np.fft.rfft(mix, size)), size)
    around = np.concatenate([likeness[-most:], likeness[: most + 1]])
    best = int(around.argmax())
    here = around[most - LATE_FRAMES : most + LATE_FRAMES + 1].max()
    is_clear = abs(best - most) > LATE_FRAMES and around[best] > LATE_TIMES * max(here, 0.0)
    return best - most if is_clear else 0
