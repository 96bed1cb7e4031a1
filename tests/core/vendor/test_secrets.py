"""Passwords that are sent once and written nowhere."""

import base64
import html
import json
import re
import time
import unicodedata
from urllib.parse import quote, quote_plus

import pytest

from seatwise.core.vendor.secrets import BLANK, WHOLE, Known, Vault, matches

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


def test_the_fingerprint_of_a_value_is_the_same_in_every_process() -> None:
    assert Vault().seal(PLAIN, whose="p/s/ana") == Vault().seal(PLAIN, "another's", whose="p/s/ana")


def test_a_fingerprint_with_a_random_salt_stays_while_it_fits() -> None:
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


def test_the_same_value_keeps_its_fingerprint_and_can_be_sent() -> None:
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


def test_an_old_fingerprint_that_comes_back_is_not_a_value() -> None:
    old = Vault().seal(PLAIN)
    vault = Vault()
    assert vault.seal(old, old) == old
    assert vault.reveal(old) is None


def test_a_vault_shows_no_value() -> None:
    vault = Vault()
    vault.seal(PLAIN)
    assert repr(vault) == "Vault(1 values)"


# --- in messages --------------------------------------------------------------------------------

ODD = "p\\\"'\tä/&<>%+ ☃ w"


def known(*secrets: str) -> Known:
    """These secrets."""
    made = Known()
    made.learn(*secrets)
    return made


@pytest.mark.parametrize(
    "written",
    [
        ODD,
        " ".join(ODD.split()),
        json.dumps(ODD)[1:-1],
        json.dumps(ODD, ensure_ascii=False)[1:-1],
        json.dumps(ODD)[1:-1].replace("/", "\\/"),
        json.dumps(json.dumps(ODD)[1:-1])[1:-1],
        repr(ODD)[1:-1],
        repr({"a": f"{ODD}"})[7:-2],
        quote(ODD),
        quote(ODD, safe=""),
        quote_plus(ODD),
        re.sub("%..", lambda found: found[0].lower(), quote(ODD, safe="")),
        html.escape(ODD),
        html.escape(ODD).replace("&#x27;", "&#039;"),
        "".join(f"&#{ord(char)};" for char in ODD),
        "".join(f"&#x{ord(char):x};" for char in ODD),
        "".join(f"&#x{ord(char):X};" for char in ODD),
        unicodedata.normalize("NFD", ODD),
        json.dumps(unicodedata.normalize("NFD", ODD))[1:-1],
        json.dumps(json.dumps(json.dumps(ODD)))[5:-5],
        json.dumps(json.dumps(json.dumps(ODD, ensure_ascii=False), ensure_ascii=False), ensure_ascii=False)[5:-5],
        ODD.encode().decode("latin-1"),
    ],
    ids=lambda text: ascii(text)[:30],
)
def test_a_secret_is_blanked_however_it_is_written(written: str) -> None:
    told = known(ODD).message(f"The value x{written}y is bad: {written}")
    assert re.sub(r"[^\w\[\] :]", "", told.replace(BLANK, "_")) == "The value x_y is bad: _"


@pytest.mark.parametrize(
    ("secrets", "text", "blanked"),
    [
        pytest.param(["abcdef", "abcd"], "abcdef abcde", "[secret] [secret]e", id="the longest first"),
        pytest.param(["abcdef", "defghi"], "xabcdefghix", "x[secret]x", id="two that overlap"),
        pytest.param(["secret"], "my secret [secret]", "my [secret] [[secret]]", id="the word itself"),
        pytest.param(["a", "is"], "is a name", "is a name", id="short ones in our own words"),
        pytest.param(["", " "], "is a name", "is a name", id="nothing"),
    ],
)
def test_what_is_blanked_and_what_is_not(secrets: list[str], text: str, blanked: str) -> None:
    assert known(*secrets).message(text) == blanked


def test_a_secret_that_is_learned_decomposed_is_blanked_composed() -> None:
    assert known(unicodedata.normalize("NFD", PLAIN)).message(f"no {PLAIN}!") == f"no {BLANK}!"


@pytest.mark.parametrize(
    "written",
    [
        "p&#228;ssword 1",
        "p&auml;ssword&#x20;&#49;",
        "p\\u00E4ssword\\u0020\\u0031",
        "p\\\\\\u00e4ssword 1",
    ],
)
def test_a_secret_of_which_a_vendor_escapes_some_is_blanked(written: str) -> None:
    assert known(PLAIN).blanked(f"{written} is bad", is_quoted=True) == f"{BLANK} is bad"


def test_words_without_a_secret_keep_their_escapes() -> None:
    assert known(PLAIN).blanked("a &lt; b \\u00e4", is_quoted=True) == "a &lt; b \\u00e4"


@pytest.mark.parametrize(
    ("words", "blanked"),
    [
        ('The password "abc" is too short', 'The password "[secret]" is too short'),
        ("abc: abcd, xabc", "[secret]: abcd, xabc"),
    ],
)
def test_a_short_secret_is_blanked_as_a_word_of_the_vendors(words: str, blanked: str) -> None:
    assert len("abc") < WHOLE
    assert known("abc").blanked(words, is_quoted=True) == blanked


def test_ten_thousand_secrets_take_no_longer_than_ten() -> None:
    ten, many = (known(*(f"{number} is a password" for number in range(70, 70 + count))) for count in (10, 10_000))
    cost = []
    for each in (ten, many):
        begun = time.process_time()
        assert each.message("y 77 is a password " * 1000).count(BLANK) == 1000
        cost.append(time.process_time() - begun)
    assert cost[1] < 10 * cost[0]


def test_a_message_cannot_act_on_a_terminal() -> None:
    assert known().message("a\x1b[31m\x07\nb\u202e\u2066c\x9b2J é 😀") == "a [31m \nb  c 2J é 😀"
