"""A send's common facts, as the engine would hand them over."""

from __future__ import annotations

from sendreturn.returns.sidecar import About, Ai, Cost, Facts, ServiceRefs, Source, Step
from sendreturn.words import State

SEND_ID = "0a1b2c3d"

WAV_FACTS = Facts(
    sample_rate_hz=48_000,
    bit_depth=24,
    channels=2,
    duration_s=1.5,
    position_samples=96_000,
    loudness_lufs=-14.2,
    true_peak_dbtp=-1.1,
    checks=("The seed could not be honoured.",),
)


def about(**changes: object) -> About:
    plain = About(
        send_id=SEND_ID,
        operation="extend",
        service="local",
        params={"prompt": "more of it", "seed": 7},
        created_at="2026-03-01T12:00:00+01:00",
        source=Source(
            path="Audio/riff.wav",
            sha256="0" * 64,
            sample_rate_hz=48_000,
            channels=2,
            duration_s=8.0,
            range_s=(0.0, 8.0),
            position_samples=96_000,
            bpm=120.0,
            time_signature="4/4",
        ),
        service_refs=ServiceRefs(task_ids=("task-1",), urls=("https://media.example/a.mp3?sig=secret",)),
        cost=Cost(credits=0.0, currency="credits", estimated=False),
        ai=Ai(generated=False, digital_source_type="algorithmicallyEnhanced"),
        history=(Step(at="2026-03-01T11:00:00Z", state=State.QUEUED, note=""),),
    )
    return plain.model_copy(update=changes)
