"""Passwords that are sent once and written nowhere."""

import base64

import pytest

from seatwise.core.secrets import Vault, matches

PLAIN = "pässword 1"


def test_a_fingerprint_does_not_hold_the_value() -> None:
    fingerprint = Vault().seal(PLAIN)
    parts = [base64.b64decode(part) for part in fingerprint.split(":")[1:]]
    assert not [part for part in parts if PLAIN.encode() in part or part in PLAIN.encode()]


def test_a_fingerprint_fits_its_value_only() -> None:
    fingerprint = Vault().seal(PLAIN)
    assert matches(PLAIN, fingerprint)
    assert not matches(PLAIN.upper(), fingerprint)


def test_equal_values_of_two_arguments_have_two_fingerprints() -> None:
    vault = Vault()
    fingerprints = [vault.seal(PLAIN, whose=whose) for whose in ("p/s/ana", "p/s/ben", "", "")]
    assert len({*fingerprints}) == len(fingerprints)


def test_a_value_of_one_argument_has_one_fingerprint_in_every_process() -> None:
    assert Vault().seal(PLAIN, whose="p/s/ana") == Vault().seal(PLAIN, "another's", whose="p/s/ana")


def test_a_fingerprint_with_a_random_salt_stays_as_long_as_it_fits() -> None:
    old = Vault().seal(PLAIN)
    assert Vault().seal(PLAIN, old, whose="p/s/ana") == old
    assert Vault().seal("another", old, whose="p/s/ana") == Vault().seal("another", whose="p/s/ana")


@pytest.mark.parametrize(
    "text",
    ["", PLAIN, "scrypt:", "scrypt:YQ==", "scrypt:YQ==:YQ==:YQ==", "scrypt:Y Q:YQ==", "scrypt:a:b", "SCRYPT:YQ==:YQ=="],
)
def test_other_text_is_nobodys_fingerprint(text: str) -> None:
    assert not matches(PLAIN, text)


def test_the_process_that_sealed_a_value_can_send_it() -> None:
    vault = Vault()
    first, second = vault.seal(PLAIN), vault.seal("another")
    assert (vault.reveal(first), vault.reveal(second)) == (PLAIN, "another")
    assert Vault().reveal(first) is None


def test_the_same_value_keeps_its_old_fingerprint_and_can_be_sent() -> None:
    old = Vault().seal(PLAIN)
    vault = Vault()
    assert vault.seal(PLAIN, old) == old
    assert vault.reveal(old) == PLAIN


def test_another_value_gets_another_fingerprint() -> None:
    vault = Vault()
    old = vault.seal(PLAIN)
    new = vault.seal("another", old)
    assert new != old
    assert vault.reveal(new) == "another"


def test_an_old_fingerprint_that_comes_back_is_kept_and_is_not_taken_for_a_value() -> None:
    old = Vault().seal(PLAIN)
    vault = Vault()
    assert vault.seal(old, old) == old
    assert vault.reveal(old) is None


def test_a_vault_shows_no_value() -> None:
    vault = Vault()
    vault.seal(PLAIN)
    assert repr(vault) == "Vault(1 values)"
