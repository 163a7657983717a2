"""API keys: where they are found, how they are kept, and that they are never shown."""

from __future__ import annotations

import logging
import sys

import keyring
import keyring.errors
import pytest
from keyring.backends import fail, null
from sendreturn.errors import SendReturnError, UsageError
from sendreturn.keys import Secret, find_key, mask, need_key, redact, remove_key, set_key
from sendreturn.pasted_keys import looks_like_key

KEY = "sksonauto_0123456789abcdef"


class MemoryKeyring:
    """A keyring that forgets. Not a `KeyringBackend`, since one that is defined is offered to the whole process."""

    def __init__(self) -> None:
        self.entries: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.entries[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.entries[service, username]


class PlaintextKeyring(MemoryKeyring):
    """Named as the one in keyrings.alt that writes into a plain file."""


class LockedKeyring(MemoryKeyring):
    def get_password(self, service: str, username: str) -> str | None:
        raise keyring.errors.KeyringLocked("locked")


class BrokenKeyring(MemoryKeyring):
    def get_password(self, service: str, username: str) -> str | None:
        raise OSError("no bus")


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> MemoryKeyring:
    backend = MemoryKeyring()
    monkeypatch.setattr(keyring, "get_keyring", lambda: backend)
    return backend


@pytest.fixture
def keyring_of(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> object:
    backend: object = request.param()
    monkeypatch.setattr(keyring, "get_keyring", lambda: backend)
    return backend


def test_the_environment_goes_before_the_keyring(memory: MemoryKeyring) -> None:
    set_key("sonauto", "from-the-keyring-0123")
    found = find_key("sonauto", "SONAUTO_API_KEY", {"SONAUTO_API_KEY": f" {KEY}\n"})
    assert (found.secret, found.source) == (KEY, "the environment variable SONAUTO_API_KEY")
    found = find_key("sonauto", "SONAUTO_API_KEY", {"SONAUTO_API_KEY": " "})
    assert (found.secret, found.source, found.trouble) == ("from-the-keyring-0123", "the keyring", "")


def test_a_key_is_kept_for_its_service_and_removed(memory: MemoryKeyring) -> None:
    set_key("sonauto", f"  {KEY} ")
    assert memory.entries == {("sendreturn", "sonauto"): KEY}
    assert find_key("sunoapi", None, {}).secret is None
    assert remove_key("sonauto")
    assert not remove_key("sonauto")
    assert find_key("sonauto", None, {}).secret is None


def test_a_missing_key_is_told_with_the_ways_to_set_it(memory: MemoryKeyring) -> None:
    with pytest.raises(UsageError) as caught:
        need_key("sonauto", "SONAUTO_API_KEY", {})
    assert caught.value.sentence == (
        "There is no API key for sonauto."
        " Set the environment variable SONAUTO_API_KEY, or run `sendreturn key set sonauto`."
    )


@pytest.mark.parametrize(
    ("keyring_of", "trouble"),
    [
        (fail.Keyring, "This computer has no keyring that sendreturn can use."),
        (LockedKeyring, "The keyring of this computer is locked."),
        (BrokenKeyring, "The keyring of this computer cannot be used (OSError)."),
    ],
    indirect=["keyring_of"],
)
def test_a_keyring_that_cannot_be_asked_is_a_sentence(keyring_of: object, trouble: str) -> None:
    assert find_key("sonauto", None, {}).trouble == trouble
    with pytest.raises(SendReturnError) as caught:
        set_key("sonauto", KEY)
    assert trouble in caught.value.what
    assert "environment variable" in caught.value.hint
    with pytest.raises(SendReturnError, match="could not be removed"):
        remove_key("sonauto")
    with pytest.raises(UsageError) as missing:
        need_key("sonauto", "X", {})
    assert trouble in missing.value.hint


@pytest.mark.parametrize("keyring_of", [null.Keyring, PlaintextKeyring], indirect=True)
def test_a_keyring_that_forgets_or_writes_plain_files_is_not_used(keyring_of: object) -> None:
    with pytest.raises(SendReturnError, match="was not kept"):
        set_key("sonauto", KEY)
    assert getattr(keyring_of, "entries", {}) == {}


def test_without_the_package_the_environment_still_works(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name == "keyring" or name.startswith("keyring.")]:
        monkeypatch.setitem(sys.modules, name, None)
    assert find_key("sonauto", "K", {"K": KEY}).secret == KEY
    assert find_key("sonauto", "K", {}).trouble == "The Python package keyring is not installed."


@pytest.mark.parametrize("key", ["", "  ", "two words", "a\nb", "a\x00b"])
def test_what_is_no_key_is_not_kept(memory: MemoryKeyring, key: str) -> None:
    with pytest.raises(UsageError, match="one word without spaces"):
        set_key("sonauto", key)


def test_a_secret_shows_only_its_mask_but_works_in_a_header(caplog: pytest.LogCaptureFixture) -> None:
    secret = Secret(KEY)
    assert f"Bearer {secret}" == f"Bearer {KEY}"
    assert repr([secret]) == "[Secret('sks***ef')]"
    logging.getLogger("test").warning("%r and %s", secret, {"key": secret})
    assert KEY not in caplog.text


@pytest.mark.parametrize(("secret", "shown"), [(KEY, "sks***ef"), ("short", "***"), ("", "***"), ("a" * 15, "***")])
def test_a_mask_gives_little_away(secret: str, shown: str) -> None:
    assert mask(secret) == shown


def test_redact_takes_every_form_of_every_secret_out() -> None:
    secrets = ["abcd/efgh+ijkl=mnop", "abcd/efgh", "", "abc"]
    text = "GET /?k=abcd%2Fefgh%2Bijkl%3Dmnop and abcd/efgh+ijkl=mnop and abcd/efgh; abc stays"
    assert redact(text, secrets) == "GET /?k=abc***op and abc***op and ***; abc stays"


@pytest.mark.parametrize("value", ["sk-abcdefgh12", "sk_live_0123456789", KEY, "Bearer abcdef012345", "sk" + "a1" * 9])
def test_keys_are_known_by_their_shape(value: str) -> None:
    assert looks_like_key(value)


@pytest.mark.parametrize("value", ["", "sketch", "sk8", "skyline_reprise_2", "bearer of the ring", "a cover of skin"])
def test_other_words_are_not_taken_for_keys(value: str) -> None:
    assert not looks_like_key(value)
