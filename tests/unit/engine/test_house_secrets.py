"""What the house keeps out of its logs."""

from __future__ import annotations

from sendreturn.house import secrets_in
from sendreturn.settings import Settings
from sendreturn.settings.models import ServiceSettings


def test_every_key_that_a_bridge_or_a_store_may_read_is_a_secret() -> None:
    env = {
        "ACEDATA_PLATFORM_KEY": "platform-0123456789",
        "AWS_SECRET_ACCESS_KEY": "bucket-0123456789",
        "STUDIO": "named-by-the-config",
        "HOOKS": "named-by-an-option",
        "HOME": "/home/anna/music",
        "FEATURE_KEY": "on",
    }
    studio = ServiceSettings(api_key_env="STUDIO", options={"webhook_key_env": "HOOKS", "type": "HOME"})
    assert secrets_in(env, Settings(services={"acedata": studio})) == {
        "platform-0123456789",
        "bucket-0123456789",
        "named-by-the-config",
        "named-by-an-option",
    }
