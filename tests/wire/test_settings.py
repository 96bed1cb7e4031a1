"""Settings: their sources, what is refused, and that no secret leaks."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pytest
import trustme
from pydantic import TypeAdapter, ValidationError

from seatwise.core.vendor.errors import SettingsError
from seatwise.vendors import enerflo, names, nexudus, tenovos, vendor_named
from seatwise.wire.settings import PROVIDER, LoginUrl, RunSettings, Settings

SECRET = "s3cr3t-value"
ENERFLO = {"ENERFLO_API_KEY": SECRET}
NEXUDUS = {"NEXUDUS_USERNAME": "ana", "NEXUDUS_PASSWORD": SECRET}
TENOVOS = {
    "TENOVOS_BASE_URL": "https://dam.example", "TENOVOS_API_KEY": SECRET, "TENOVOS_CLIENT_ID": "client",
    "TENOVOS_USERNAME": "ana", "TENOVOS_PASSWORD": SECRET,
}  # fmt: skip
ELSEWHERE = [
    "10.0.0.5", "8.8.8.8", "169.254.169.254", "0.0.0.0", "2130706433", "0x7f000001", "0177.0.0.1", "127.1",
    "127.0.0.1.", "0x7f.0.0.1", "[fe80::1]", "[fd00:ec2::254]", "[::ffff:127.0.0.1]", "[::ffff:a9fe:a9fe]", "[::]",
    "metadata", "metadata.google.internal", "METADATA.google.internal.", "instance-data.ec2.internal",
    "%31%32%37.0.0.1", "127。0。0。1",
]  # fmt: skip
"""Hosts that no vendor has, and that an attacker would use."""
Vars = dict[str, str]
SetEnv = Callable[[Mapping[str, str]], None]


@pytest.fixture
def setenv(monkeypatch: pytest.MonkeyPatch) -> SetEnv:
    """A function that sets environment variables."""

    def put(variables: Mapping[str, str]) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return put


def loaded_from(**config: Any) -> Settings:
    """Load Enerflo's settings with this configuration, such as `apiKey="k"`."""
    return enerflo.Settings.load({f"enerflo:{name}": value for name, value in config.items()}.get)


def test_config_comes_before_the_environment(setenv: SetEnv) -> None:
    setenv({"ENERFLO_API_KEY": "from-environment", "ENERFLO_BASE_URL": "https://from-environment.example"})
    settings = loaded_from(apiKey="from-config")
    assert settings.secrets() == ["from-config"]
    assert settings.base_url == "https://from-environment.example"


# --- credentials come from one source ---------------------------------------------------------


def given(env: Mapping[str, str] = {}, copied: Sequence[str] = (), outputs: Sequence[str] = (), **values: Any) -> Any:
    """Return what the process of an explicit Provider is given, without the vendor's prefix."""
    return {**values, PROVIDER: {"env": dict(env), "from_config": list(copied), "outputs": list(outputs)}}


def config(vendor: type[Settings], values: Mapping[str, Any]) -> Callable[[str], Any]:
    """Return Pulumi's config with these settings of a vendor."""
    return {vendor.config_key(name): value for name, value in values.items()}.get


MAIN = {"NEXUDUS_TOKEN": "main-token", "NEXUDUS_CLIENT_ID": "main-client", "NEXUDUS_TENANT": "main", "WEST": SECRET}
OF_MAIN = ("main-token", None, "main-client")
OF_ANA = (None, "ana", None)
WEST: Final[dict[str, Any]] = {"base_url": "https://west.example"}
LOGIN: Final[dict[str, Any]] = {"username": "ana", "password": SECRET}


LOGIN_URL: TypeAdapter[str] = TypeAdapter(LoginUrl)


@pytest.mark.parametrize("url", ["https://login.example/token", "http://127.0.0.1:8080/realms/a/token"])
def test_a_login_url_is_kept_as_it_is(url: str) -> None:
    assert LOGIN_URL.validate_python(url) == url


@pytest.mark.parametrize(
    "url", ["http://login.example/token", "https://a@login.example/", "https://10.0.0.1/", "token"]
)
def test_a_login_url_must_be_as_safe_as_a_base_url(url: str) -> None:
    with pytest.raises(ValidationError):
        LOGIN_URL.validate_python(url)


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({}, OF_MAIN),
        ({"token": "t"}, ("t", None, None)),
        (LOGIN, OF_ANA),
        (given(**WEST, **LOGIN), OF_ANA),
        (given({"password": "WEST"}, username="ana"), OF_ANA),
        (given({"username": "WEST", "password": "WEST"}), (None, SECRET, None)),
        (given(deadline=60), OF_MAIN),
        (given(copied=["username", "password"], deadline=60, **LOGIN), OF_ANA),
        (given(copied=["base_url"], **WEST), OF_MAIN),
    ],
    ids=str,
)
def test_credentials_come_from_one_source(
    values: dict[str, Any], found: tuple[str | None, ...], setenv: SetEnv
) -> None:
    setenv(MAIN)
    settings = nexudus.Settings.load(config(nexudus.Settings, values))
    token = settings.token.get_secret_value() if settings.token else None
    assert (token, settings.username, settings.client_id) == found


NO_VALUE = "api_key of the Provider has no value"
NOT_SET = "the variable NO_KEY, which env= of the Provider names for api_key, is not set"
HALF = "`pulumi config set --secret nexudus:password` (credentials come from one source"


@pytest.mark.parametrize(
    ("vendor", "values", "problem"),
    [
        (enerflo, given(**WEST), "give the Provider api_key=..., or env="),
        (enerflo, given(tenant="west"), "give the Provider api_key="),
        (enerflo, given({"base_url": "WEST_URL"}), "give the Provider api_key="),
        (enerflo, given({"api_key": "NO_KEY"}, **WEST), NOT_SET),
        (enerflo, given({"api_key": "EMPTY_KEY"}, **WEST), "the variable EMPTY_KEY"),
        (enerflo, given({"deadline": "UNSET"}, api_key=SECRET), "the variable UNSET"),
        (enerflo, given(outputs=["api_key"]), f"{NO_VALUE}. Give it a value"),
        (enerflo, given(outputs=["api_key"], api_key=None, tenant="west"), NO_VALUE),
        (enerflo, given(outputs=["api_key"], api_key=""), NO_VALUE),
        (nexudus, given(outputs=["tenant", "token"], token="t"), "tenant of the Provider has no value"),
        (nexudus, given(username="ana"), "give the Provider password=..., or env="),
        (nexudus, given(**WEST), "give the Provider token=..."),
        (nexudus, given(username="ana", **WEST), "give the Provider password=..."),
        (tenovos, given(api_key="k", username="ana", password="p", **WEST), "give the Provider client_id="),
        (nexudus, {"username": "ana"}, HALF),
        (tenovos, {"username": "ana"}, "TENOVOS_API_KEY in the environment is not read"),
    ],
)
def test_an_incomplete_login_is_refused_in_any_environment(
    vendor: Any, values: dict[str, Any], problem: str, setenv: SetEnv
) -> None:
    setenv(ENERFLO | NEXUDUS | TENOVOS | MAIN | {"EMPTY_KEY": "", "WEST_URL": "https://west.example"})
    with pytest.raises(SettingsError) as caught:
        vendor.Settings.load(config(vendor.Settings, values))
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)
    assert SECRET not in f"{caught.value} {caught.value!r}"


def test_an_explicit_provider_inherits_the_url_and_no_tenant(setenv: SetEnv) -> None:
    setenv({"ENERFLO_TENANT": "main", "ENERFLO_BASE_URL": "https://main.example"})
    settings = enerflo.Settings.load(config(enerflo.Settings, given(api_key=SECRET)))
    assert settings.tenant_id == "https://main.example"
    assert settings.tenant_remedy("main") == 'give its Provider tenant="main"'


@pytest.mark.parametrize("vendor", names())
def test_every_secret_of_a_vendor_is_a_credential(vendor: str) -> None:
    kind = vendor_named(vendor).settings_type
    secrets = {name for name, field in kind.model_fields.items() if "Secret" in str(field.annotation)}
    assert secrets - Settings.model_fields.keys() <= kind.credentials()
    assert kind.credentials()


def test_each_setting_of_a_login_is_a_credential() -> None:
    assert enerflo.Settings.credentials() == {"api_key"}
    assert nexudus.Settings.credentials() == {"username", "password", "token", "client_id"}
    assert tenovos.Settings.credentials() == {"api_key", "client_id", "username", "password"}


@pytest.mark.parametrize(
    ("settings", "values", "names"),
    [
        (enerflo.Settings, {}, "ENERFLO_API_KEY"),
        (tenovos.Settings, {}, "TENOVOS_API_KEY, TENOVOS_USERNAME, TENOVOS_PASSWORD and TENOVOS_CLIENT_ID"),
        (nexudus.Settings, {"token": SECRET}, "nexudus:token of Pulumi's config"),
        (enerflo.Settings, given(api_key=SECRET, **WEST), "api_key of the Provider"),
        (enerflo.Settings, given({"api_key": "WEST"}, **WEST), "WEST"),
    ],
)
def test_settings_know_where_the_credentials_came_from(
    settings: type[Settings], values: dict[str, Any], names: str, setenv: SetEnv
) -> None:
    setenv(ENERFLO | NEXUDUS | TENOVOS | {"WEST": SECRET})
    assert settings.load(config(settings, values)).credential_names == names


# --- what is missing or unfit -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "variables", "url"),
    [
        (enerflo.Settings, ENERFLO, "https://enerflo.io"),
        (nexudus.Settings, NEXUDUS, "https://spaces.nexudus.com"),
        (nexudus.Settings, {"NEXUDUS_TOKEN": SECRET}, "https://spaces.nexudus.com"),
        (tenovos.Settings, TENOVOS, "https://dam.example"),
    ],
)
def test_the_environment_alone_is_enough(settings: type[Settings], variables: Vars, url: str, setenv: SetEnv) -> None:
    setenv(variables)
    assert settings.load().base_url == url


@pytest.mark.parametrize(
    ("settings", "variables", "names"),
    [
        (enerflo.Settings, ENERFLO, "ENERFLO_API_KEY enerflo:apiKey"),
        (nexudus.Settings, NEXUDUS, "NEXUDUS_PASSWORD nexudus:password NEXUDUS_TOKEN nexudus:token"),
        (nexudus.Settings, NEXUDUS, "NEXUDUS_USERNAME nexudus:username NEXUDUS_TOKEN nexudus:token"),
        (tenovos.Settings, TENOVOS, "TENOVOS_BASE_URL tenovos:baseUrl"),
        (tenovos.Settings, TENOVOS, "TENOVOS_API_KEY tenovos:apiKey"),
        (tenovos.Settings, TENOVOS, "TENOVOS_CLIENT_ID tenovos:clientId"),
        (tenovos.Settings, TENOVOS, "TENOVOS_USERNAME tenovos:username"),
        (tenovos.Settings, TENOVOS, "TENOVOS_PASSWORD tenovos:password"),
    ],
)
@pytest.mark.parametrize("is_there", [False, True])
def test_a_missing_or_empty_setting_is_one_line_with_its_names(
    settings: type[Settings], variables: Vars, names: str, is_there: bool, setenv: SetEnv
) -> None:
    lacking = names.split()[0]
    setenv({name: value for name, value in variables.items() if name != lacking})
    if is_there:
        setenv({lacking: ""})
    with pytest.raises(SettingsError) as caught:
        settings.load(lambda key: None)
    message = str(caught.value)
    assert "\n" not in message
    assert SECRET not in f"{message} {caught.value!r} {caught.value.__context__}"
    assert [name for name in names.split() if name not in message] == []
    with pytest.raises(SettingsError, match=lacking) as caught:
        settings.load()
    assert "pulumi config" not in str(caught.value), "a command reads the environment alone"


def test_one_message_names_all_missing_settings() -> None:
    with pytest.raises(SettingsError) as caught:
        tenovos.Settings.load()
    names = ("BASE_URL", "API_KEY", "USERNAME", "PASSWORD")
    assert all(f"TENOVOS_{name}" in str(caught.value) for name in names)


def test_tenovos_1_5_needs_no_client_id(setenv: SetEnv) -> None:
    setenv({name: value for name, value in TENOVOS.items() if name != "TENOVOS_CLIENT_ID"})
    assert tenovos.Settings.load({"tenovos:apiVersion": "1.5"}.get).client_id is None


def test_tenovos_has_no_other_versions(setenv: SetEnv) -> None:
    setenv(TENOVOS | {"TENOVOS_API_VERSION": "2"})
    with pytest.raises(SettingsError, match=r"TENOVOS_API_VERSION \(tenovos:apiVersion\).*'1.0' or '1.5'"):
        tenovos.Settings.load(lambda key: None)


@pytest.mark.parametrize(
    "url",
    [
        *(f"{scheme}://{host}" for host in ELSEWHERE for scheme in ("http", "https")),
        "http://crm.example", "http://localhost.example", "https://ana@crm.example", "https://ana:pw@crm.example",
        "https://crm.example?x=1", "https://crm.example/?", "https://crm.example#x", "https://crm.example#",
        "crm.example", "//crm.example", "ftp://crm.example", "https://", "https://crm.example:port",
        "https://crm.example:99999", "https://crm.example\n/x", " https://crm.example", "https://[::1",
    ],
)  # fmt: skip
def test_an_invalid_base_url_is_refused_with_both_its_names(url: str) -> None:
    with pytest.raises(SettingsError, match=r"^enerflo: ENERFLO_BASE_URL \(enerflo:baseUrl\) .+") as caught:
        loaded_from(apiKey=SECRET, baseUrl=url)
    assert "pw" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://crm.example", "https://crm.example/tenant", "https://crm.example:8443", "https://dam.corp.internal",
        "https://a_b.7tenants.example", "https://xn--bcher-kva.example", "http://localhost:8765/enerflo",
        "http://127.0.0.1:8765", "http://[::1]:8765",
    ],
)  # fmt: skip
def test_a_base_url_is_kept_without_its_last_slashes(url: str) -> None:
    for slashes in ("", "/", "//"):
        assert loaded_from(apiKey=SECRET, baseUrl=url + slashes).base_url == url


@pytest.mark.parametrize(
    ("settings", "variables", "name"),
    [
        (enerflo.Settings, ENERFLO, "ENERFLO_API_KEY"),
        (nexudus.Settings, {}, "NEXUDUS_TOKEN"),
        (tenovos.Settings, TENOVOS, "TENOVOS_API_KEY"),
    ],
)
@pytest.mark.parametrize("tail", ["\nx", "…"])
def test_a_credential_that_no_header_can_hold_is_refused(
    settings: type[Settings], variables: Vars, name: str, tail: str, setenv: SetEnv
) -> None:
    setenv(variables | {name: SECRET + tail})
    with pytest.raises(SettingsError, match=name) as caught:
        settings.load()
    assert SECRET not in f"{caught.value} {caught.value!r} {caught.value.__context__}"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("requestsPerMinute", "many"), ("requestsPerMinute", "-1"), ("deadline", "0"), ("deadline", "inf"),
        ("deadline", "soon"), ("resendCreates", "perhaps"),
    ],
)  # fmt: skip
def test_an_invalid_value_is_refused_with_its_config_key(key: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"enerflo:{key}") as caught:
        loaded_from(apiKey=SECRET, **{key: value})
    assert SECRET not in f"{caught.value} {caught.value!r} {caught.value.__context__}"


@pytest.mark.parametrize(
    ("settings", "variables"),
    [(enerflo.Settings, ENERFLO), (nexudus.Settings, NEXUDUS | {"NEXUDUS_TOKEN": SECRET}), (tenovos.Settings, TENOVOS)],
)
def test_no_secret_shows_in_settings(settings: type[Settings], variables: Vars, setenv: SetEnv) -> None:
    setenv(variables)
    kept = settings.load()
    assert set(kept.secrets()) == {SECRET}
    assert SECRET not in f"{kept!r} {kept} {kept.model_dump()} {kept.model_dump_json()}"


@pytest.mark.parametrize("kind", ["missing", "a folder", "not certificates"])
def test_unusable_certificates_are_refused_with_both_names(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    if kind == "a folder":
        path.mkdir()
    elif kind == "not certificates":
        path.write_text("-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----\n")
    with pytest.raises(
        SettingsError, match=r"ENERFLO_CA_BUNDLE \(enerflo:caBundle\) must be a file of certificates"
    ) as caught:
        loaded_from(apiKey=SECRET, caBundle=str(path))
    assert str(tmp_path) not in str(caught.value)


def test_a_path_may_begin_at_home(setenv: SetEnv, tmp_path: Path) -> None:
    authority = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(authority))
    setenv({"HOME": str(tmp_path), "SEATWISE_JOURNAL": "~/j.db"})
    assert RunSettings.load().journal == tmp_path / "j.db"
    assert loaded_from(apiKey=SECRET, caBundle="~/ca.pem").ca_bundle == authority


@pytest.mark.parametrize("path", ["j.db", "./j.db", "../j.db", "folder/j.db", "~nobody-of-this-name/j.db"])
def test_a_relative_path_is_refused(path: str, setenv: SetEnv) -> None:
    """It would depend on the folder in which pulumi runs."""
    setenv({"SEATWISE_JOURNAL": path})
    with pytest.raises(SettingsError, match="SEATWISE_JOURNAL must be a full path, such as /"):
        RunSettings.load()
    with pytest.raises(SettingsError, match=r"ENERFLO_CA_BUNDLE \(enerflo:caBundle\) must be a full path, such as /"):
        loaded_from(apiKey=SECRET, caBundle=path)


@pytest.mark.parametrize(
    ("name", "value"), [("MAX_REMOVALS", "-1"), ("MAX_REMOVALS", "10%"), ("SHARE_LIMITS", "perhaps")]
)
def test_an_invalid_setting_of_the_run_is_refused_with_its_name(name: str, value: str, setenv: SetEnv) -> None:
    setenv({f"SEATWISE_{name}": value})
    with pytest.raises(SettingsError, match=f"SEATWISE_{name}"):
        RunSettings.load()


def test_by_default_removals_are_unlimited_and_limits_not_shared(setenv: SetEnv) -> None:
    assert (RunSettings.load().max_removals, RunSettings.load().share_limits) == (None, False)
    setenv({"SEATWISE_MAX_REMOVALS": "0", "SEATWISE_SHARE_LIMITS": "true"})
    assert (RunSettings.load().max_removals, RunSettings.load().share_limits) == (0, True)
