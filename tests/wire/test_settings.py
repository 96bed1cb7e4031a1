"""Settings: their sources, what is refused, and that no secret leaks."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pytest
import trustme

from seatwise.core.vendor.errors import SettingsError
from seatwise.vendors import enerflo, names, nexudus, tenovos, vendor_named
from seatwise.wire.settings import PROVIDER, RunSettings, Settings

SECRET = "s3cr3t-value"
ENERFLO = {"ENERFLO_API_KEY": SECRET}
NEXUDUS = {"NEXUDUS_USERNAME": "ana", "NEXUDUS_PASSWORD": SECRET}
TENOVOS = {
    "TENOVOS_BASE_URL": "https://dam.example",
    "TENOVOS_API_KEY": SECRET,
    "TENOVOS_CLIENT_ID": "client",
    "TENOVOS_USERNAME": "ana",
    "TENOVOS_PASSWORD": SECRET,
}
ELSEWHERE = [
    "10.0.0.5", "8.8.8.8", "169.254.169.254", "0.0.0.0", "2130706433", "0x7f000001", "0177.0.0.1", "127.1",
    "127.0.0.1.",
    "0x7f.0.0.1", "[fe80::1]", "[fd00:ec2::254]", "[::ffff:127.0.0.1]", "[::ffff:a9fe:a9fe]", "[::]", "metadata",
    "metadata.google.internal", "METADATA.google.internal.", "instance-data.ec2.internal", "%31%32%37.0.0.1",
    "127。0。0。1",
]  # fmt: skip
"""Hosts that no vendor has, and that an attacker would use."""
Environment = Callable[[Mapping[str, str]], None]


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Environment:
    """A function that sets environment variables."""

    def put(variables: Mapping[str, str]) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return put


def loaded_from(**config: Any) -> Settings:
    """Load Enerflo's settings with this configuration, such as `apiKey="k"`."""
    return enerflo.Settings.load({f"enerflo:{name}": value for name, value in config.items()}.get)


def test_config_comes_before_the_environment(environment: Environment) -> None:
    environment({"ENERFLO_API_KEY": "from-environment", "ENERFLO_BASE_URL": "https://from-environment.example"})
    settings = loaded_from(apiKey="from-config")
    assert settings.secrets() == ["from-config"]
    assert settings.base_url == "https://from-environment.example"


# --- credentials come from one source ---------------------------------------------------------


def of_a_provider(
    vendor: type[Settings],
    env: Mapping[str, str] = {},
    copied: Sequence[str] = (),
    outputs: Sequence[str] = (),
    **given: Any,
) -> Any:
    """Return the configuration that the process of an explicit Provider gets."""
    marker = {"env": dict(env), "from_config": list(copied), "outputs": list(outputs)}
    return {vendor.config_key(name): value for name, value in {**given, PROVIDER: marker}.items()}.get


MAIN = {"NEXUDUS_TOKEN": "main-token", "NEXUDUS_CLIENT_ID": "main-client", "NEXUDUS_TENANT": "main"}
WEST: Final[dict[str, Any]] = {"base_url": "https://west.example"}
LOGIN: Final[dict[str, Any]] = {"username": "ana", "password": SECRET}


@pytest.mark.parametrize(
    ("config", "variables", "found"),
    [
        pytest.param({}.get, MAIN, ("main-token", None, "main-client"), id="environment"),
        pytest.param({"nexudus:token": "t"}.get, MAIN, ("t", None, None), id="config-without-the-environments-client"),
        pytest.param(
            {"nexudus:username": "ana", "nexudus:password": SECRET}.get, MAIN, (None, "ana", None),
            id="config-without-the-environments-token",
        ),
        pytest.param(of_a_provider(nexudus.Settings, **WEST, **LOGIN), MAIN, (None, "ana", None), id="provider"),
        pytest.param(
            of_a_provider(nexudus.Settings, {"password": "WEST_PASSWORD"}, username="ana"),
            MAIN | {"WEST_PASSWORD": SECRET}, (None, "ana", None), id="provider-by-value-and-variable",
        ),
        pytest.param(
            of_a_provider(nexudus.Settings, {"username": "WEST", "password": "WEST"}), MAIN | {"WEST": SECRET},
            (None, SECRET, None), id="provider-with-one-variable-for-two",
        ),
        pytest.param(
            of_a_provider(nexudus.Settings, deadline=60), MAIN, ("main-token", None, "main-client"),
            id="provider-without-credentials",
        ),
        pytest.param(
            of_a_provider(nexudus.Settings, copied=["username", "password"], deadline=60, **LOGIN), MAIN,
            (None, "ana", None), id="config-through-a-provider",
        ),
        pytest.param(
            of_a_provider(nexudus.Settings, copied=["base_url"], **WEST), MAIN, ("main-token", None, "main-client"),
            id="address-of-the-config-and-credentials-of-the-environment",
        ),
    ],
)  # fmt: skip
def test_credentials_come_from_one_source(
    config: Callable[[str], Any],
    variables: dict[str, str],
    found: tuple[str | None, ...],
    environment: Environment,
) -> None:
    environment(variables)
    settings = nexudus.Settings.load(config)
    token = settings.token.get_secret_value() if settings.token else None
    assert (token, settings.username, settings.client_id) == found


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        pytest.param(
            of_a_provider(enerflo.Settings, **WEST), "give the Provider api_key=..., or env=", id="base-url-alone"
        ),
        pytest.param(of_a_provider(enerflo.Settings, tenant="west"), "give the Provider api_key=", id="tenant-alone"),
        pytest.param(
            of_a_provider(enerflo.Settings, {"base_url": "WEST_URL"}), "give the Provider api_key=",
            id="base-url-by-variable",
        ),
        pytest.param(
            of_a_provider(enerflo.Settings, {"api_key": "UNSET_KEY"}, **WEST),
            "the variable UNSET_KEY, which env= of the Provider names for api_key, is not set", id="unset",
        ),
        pytest.param(
            of_a_provider(enerflo.Settings, {"api_key": "EMPTY_KEY"}, **WEST), "the variable EMPTY_KEY", id="empty"
        ),
        pytest.param(
            of_a_provider(enerflo.Settings, {"deadline": "UNSET"}, api_key=SECRET), "the variable UNSET",
            id="unset-and-no-credential",
        ),
        pytest.param(
            of_a_provider(enerflo.Settings, outputs=["api_key"]),
            "api_key of the Provider has no value. Give it a value", id="output-of-none",
        ),
        pytest.param(
            of_a_provider(enerflo.Settings, outputs=["api_key"], api_key=None, tenant="west"),
            "api_key of the Provider has no value", id="secret-output-of-none",
        ),
        pytest.param(
            of_a_provider(enerflo.Settings, outputs=["api_key"], api_key=""), "api_key of the Provider has no value",
            id="empty-output",
        ),
        pytest.param(
            of_a_provider(nexudus.Settings, outputs=["tenant", "token"], token="t"),
            "tenant of the Provider has no value", id="one-of-two-outputs",
        ),
        pytest.param(
            of_a_provider(nexudus.Settings, username="ana"), "give the Provider password=..., or env=", id="half"
        ),
        pytest.param(
            of_a_provider(nexudus.Settings, **WEST), "give the Provider token=...", id="one-of-two-ways"
        ),
        pytest.param(
            {"nexudus:username": "ana"}.get,
            "`pulumi config set --secret nexudus:password` (credentials come from one source",
            id="half-in-the-config",
        ),
        pytest.param(
            {"tenovos:username": "ana"}.get, "TENOVOS_API_KEY in the environment is not read",
            id="a-part-in-the-config",
        ),
    ],
)  # fmt: skip
def test_an_incomplete_login_is_refused_in_any_environment(
    config: Callable[[str], Any], problem: str, environment: Environment
) -> None:
    environment(ENERFLO | NEXUDUS | TENOVOS | MAIN | {"EMPTY_KEY": "", "WEST_URL": "https://west.example"})
    (vendor,) = [each for each in (enerflo, nexudus, tenovos) if any_of(each.Settings, config)]
    with pytest.raises(SettingsError) as caught:
        vendor.Settings.load(config)
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)
    assert SECRET not in f"{caught.value} {caught.value!r}"


def any_of(vendor: type[Settings], config: Callable[[str], Any]) -> bool:
    """Return whether a configuration has a setting of this vendor."""
    return any(config(vendor.config_key(name)) is not None for name in (PROVIDER, *vendor.model_fields))


def test_an_explicit_provider_inherits_the_url_and_no_tenant(environment: Environment) -> None:
    environment({"ENERFLO_TENANT": "main", "ENERFLO_BASE_URL": "https://main.example"})
    settings = enerflo.Settings.load(of_a_provider(enerflo.Settings, api_key=SECRET))
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
    ("settings", "config", "names"),
    [
        pytest.param(enerflo.Settings, {}.get, "ENERFLO_API_KEY", id="environment"),
        pytest.param(
            tenovos.Settings, {}.get,
            "TENOVOS_API_KEY, TENOVOS_USERNAME, TENOVOS_PASSWORD and TENOVOS_CLIENT_ID", id="several",
        ),
        pytest.param(
            nexudus.Settings, {"nexudus:token": SECRET}.get, "nexudus:token of Pulumi's config", id="config"
        ),
        pytest.param(
            enerflo.Settings, of_a_provider(enerflo.Settings, api_key=SECRET, **WEST), "api_key of the Provider",
            id="provider-by-value",
        ),
        pytest.param(
            enerflo.Settings, of_a_provider(enerflo.Settings, {"api_key": "WEST_KEY"}, **WEST), "WEST_KEY",
            id="provider-by-variable",
        ),
    ],
)  # fmt: skip
def test_settings_know_where_the_credentials_came_from(
    settings: type[Settings], config: Callable[[str], Any], names: str, environment: Environment
) -> None:
    environment(ENERFLO | NEXUDUS | TENOVOS | {"WEST_KEY": SECRET})
    assert settings.load(config).credential_names == names


# --- what is missing or unfit -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "variables", "url"),
    [
        pytest.param(enerflo.Settings, ENERFLO, "https://enerflo.io", id="enerflo"),
        pytest.param(nexudus.Settings, NEXUDUS, "https://spaces.nexudus.com", id="nexudus"),
        pytest.param(tenovos.Settings, TENOVOS, "https://dam.example", id="tenovos"),
    ],
)
def test_the_environment_alone_is_enough(
    settings: type[Settings], variables: dict[str, str], url: str, environment: Environment
) -> None:
    environment(variables)
    assert settings.load().base_url == url


@pytest.mark.parametrize(
    ("settings", "variables", "lacking", "names"),
    [
        pytest.param(
            enerflo.Settings, ENERFLO, "ENERFLO_API_KEY", {"ENERFLO_API_KEY", "enerflo:apiKey"}, id="enerflo-key"
        ),
        pytest.param(
            nexudus.Settings, NEXUDUS, "NEXUDUS_PASSWORD",
            {"NEXUDUS_PASSWORD", "nexudus:password", "NEXUDUS_TOKEN", "nexudus:token"}, id="nexudus-password",
        ),
        pytest.param(
            nexudus.Settings, NEXUDUS, "NEXUDUS_USERNAME",
            {"NEXUDUS_USERNAME", "nexudus:username", "NEXUDUS_TOKEN", "nexudus:token"}, id="nexudus-username",
        ),
        pytest.param(
            tenovos.Settings, TENOVOS, "TENOVOS_BASE_URL", {"TENOVOS_BASE_URL", "tenovos:baseUrl"}, id="tenovos-url"
        ),
        pytest.param(
            tenovos.Settings, TENOVOS, "TENOVOS_API_KEY", {"TENOVOS_API_KEY", "tenovos:apiKey"}, id="tenovos-key"
        ),
        pytest.param(
            tenovos.Settings, TENOVOS, "TENOVOS_CLIENT_ID", {"TENOVOS_CLIENT_ID", "tenovos:clientId"},
            id="tenovos-client",
        ),
        pytest.param(
            tenovos.Settings, TENOVOS, "TENOVOS_USERNAME", {"TENOVOS_USERNAME", "tenovos:username"},
            id="tenovos-username",
        ),
        pytest.param(
            tenovos.Settings, TENOVOS, "TENOVOS_PASSWORD", {"TENOVOS_PASSWORD", "tenovos:password"},
            id="tenovos-password",
        ),
    ],
)  # fmt: skip
@pytest.mark.parametrize("empty", [pytest.param(False, id="unset"), pytest.param(True, id="empty")])
def test_a_missing_setting_is_one_line_with_both_its_names(
    settings: type[Settings],
    variables: dict[str, str],
    lacking: str,
    names: set[str],
    empty: bool,
    environment: Environment,
) -> None:
    """An empty variable counts as missing."""
    environment(
        {name: value for name, value in variables.items() if name != lacking} | ({lacking: ""} if empty else {})
    )
    with pytest.raises(SettingsError) as caught:
        settings.load()
    message = str(caught.value)
    assert "\n" not in message
    assert SECRET not in f"{message} {caught.value!r} {caught.value.__context__}"
    assert {name for name in names if name in message} == names


def test_one_message_names_all_missing_settings() -> None:
    with pytest.raises(SettingsError) as caught:
        tenovos.Settings.load()
    names = ("BASE_URL", "API_KEY", "USERNAME", "PASSWORD")
    assert all(f"TENOVOS_{name}" in str(caught.value) for name in names)


def test_nexudus_takes_a_token_instead_of_user_and_password(environment: Environment) -> None:
    environment({"NEXUDUS_TOKEN": SECRET})
    assert nexudus.Settings.load().secrets() == [SECRET]


def test_tenovos_1_5_needs_no_client_id(environment: Environment) -> None:
    environment({name: value for name, value in TENOVOS.items() if name != "TENOVOS_CLIENT_ID"})
    assert tenovos.Settings.load({"tenovos:apiVersion": "1.5"}.get).client_id is None


def test_tenovos_has_no_other_versions(environment: Environment) -> None:
    environment(TENOVOS | {"TENOVOS_API_VERSION": "2"})
    with pytest.raises(SettingsError, match=r"TENOVOS_API_VERSION \(tenovos:apiVersion\).*'1.0' or '1.5'"):
        tenovos.Settings.load()


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("http://crm.example", id="http"),
        pytest.param("http://localhost.example", id="http-almost-local"),
        pytest.param("http://169.254.169.254", id="http-link-local"),
        *(pytest.param(f"http://{host}", id=f"http-{host}") for host in ELSEWHERE),
        *(pytest.param(f"https://{host}", id=f"https-{host}") for host in ELSEWHERE),
        pytest.param("https://ana@crm.example", id="user"),
        pytest.param("https://ana:pw@crm.example", id="user-and-password"),
        pytest.param("https://crm.example?x=1", id="query"),
        pytest.param("https://crm.example/?", id="empty-query"),
        pytest.param("https://crm.example#x", id="fragment"),
        pytest.param("https://crm.example#", id="empty-fragment"),
        pytest.param("crm.example", id="no-scheme"),
        pytest.param("//crm.example", id="scheme-relative"),
        pytest.param("ftp://crm.example", id="other-scheme"),
        pytest.param("https://", id="no-host"),
        pytest.param("https://crm.example:port", id="port-no-number"),
        pytest.param("https://crm.example:99999", id="port-too-high"),
        pytest.param("https://crm.example\n/x", id="line-break"),
        pytest.param(" https://crm.example", id="space"),
        pytest.param("https://[::1", id="half-an-address"),
    ],
)
def test_an_invalid_base_url_is_refused_with_both_its_names(url: str) -> None:
    with pytest.raises(SettingsError, match=r"^enerflo: ENERFLO_BASE_URL \(enerflo:baseUrl\) .+") as caught:
        loaded_from(apiKey=SECRET, baseUrl=url)
    assert "pw" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        pytest.param("https://crm.example/", "https://crm.example", id="slash"),
        pytest.param("https://crm.example/tenant//", "https://crm.example/tenant", id="path-and-slashes"),
        pytest.param("https://crm.example:8443", "https://crm.example:8443", id="port"),
        pytest.param("https://dam.corp.internal", "https://dam.corp.internal", id="private-name"),
        pytest.param("https://a_b.7tenants.example", "https://a_b.7tenants.example", id="digits-in-a-name"),
        pytest.param("https://xn--bcher-kva.example", "https://xn--bcher-kva.example", id="international-name"),
        pytest.param("http://localhost:8765/enerflo", "http://localhost:8765/enerflo", id="localhost"),
        pytest.param("http://127.0.0.1:8765", "http://127.0.0.1:8765", id="loopback-4"),
        pytest.param("http://[::1]:8765", "http://[::1]:8765", id="loopback-6"),
    ],
)
def test_a_base_url_loses_its_last_slashes(url: str, kept: str) -> None:
    assert loaded_from(apiKey=SECRET, baseUrl=url).base_url == kept


@pytest.mark.parametrize(
    ("settings", "variables", "name"),
    [
        pytest.param(enerflo.Settings, ENERFLO, "ENERFLO_API_KEY", id="enerflo"),
        pytest.param(nexudus.Settings, {}, "NEXUDUS_TOKEN", id="nexudus"),
        pytest.param(tenovos.Settings, TENOVOS, "TENOVOS_API_KEY", id="tenovos"),
    ],
)
@pytest.mark.parametrize("tail", [pytest.param("\nx", id="line-break"), pytest.param("…", id="not-ascii")])
def test_a_credential_that_no_header_can_hold_is_refused(
    settings: type[Settings], variables: dict[str, str], name: str, tail: str, environment: Environment
) -> None:
    environment(variables | {name: SECRET + tail})
    with pytest.raises(SettingsError, match=name) as caught:
        settings.load()
    assert SECRET not in f"{caught.value} {caught.value!r} {caught.value.__context__}"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        pytest.param("requestsPerMinute", "many", id="limit-is-not-a-number"),
        pytest.param("requestsPerMinute", "-1", id="limit-below-zero"),
        pytest.param("deadline", "0", id="deadline-zero"),
        pytest.param("deadline", "inf", id="deadline-infinite"),
        pytest.param("resendCreates", "perhaps", id="neither-yes-nor-no"),
    ],
)
def test_an_invalid_value_is_refused_with_its_config_key(key: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"enerflo:{key}"):
        loaded_from(apiKey=SECRET, **{key: value})


@pytest.mark.parametrize(
    ("settings", "variables"),
    [
        pytest.param(enerflo.Settings, ENERFLO, id="enerflo"),
        pytest.param(nexudus.Settings, NEXUDUS | {"NEXUDUS_TOKEN": SECRET}, id="nexudus"),
        pytest.param(tenovos.Settings, TENOVOS, id="tenovos"),
    ],
)
def test_no_secret_shows_in_settings(
    settings: type[Settings], variables: dict[str, str], environment: Environment
) -> None:
    environment(variables)
    kept = settings.load()
    assert set(kept.secrets()) == {SECRET}
    assert SECRET not in f"{kept!r} {kept} {kept.model_dump()} {kept.model_dump_json()}"


def test_no_secret_shows_when_another_setting_is_invalid(environment: Environment) -> None:
    environment(TENOVOS | {"TENOVOS_DEADLINE": "soon"})
    with pytest.raises(SettingsError) as caught:
        tenovos.Settings.load()
    assert SECRET not in f"{caught.value} {caught.value!r} {caught.value.__context__}"


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


def test_a_path_may_begin_at_home(environment: Environment, tmp_path: Path) -> None:
    authority = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(authority))
    environment({"HOME": str(tmp_path), "SEATWISE_JOURNAL": "~/j.db"})
    assert RunSettings.load().journal == tmp_path / "j.db"
    assert loaded_from(apiKey=SECRET, caBundle="~/ca.pem").ca_bundle == authority


@pytest.mark.parametrize("path", ["j.db", "./j.db", "../j.db", "folder/j.db", "~nobody-of-this-name/j.db"])
def test_a_relative_path_is_refused(path: str, environment: Environment) -> None:
    """It would depend on the folder in which pulumi runs."""
    environment({"SEATWISE_JOURNAL": path})
    with pytest.raises(SettingsError, match="SEATWISE_JOURNAL must be a full path, such as /"):
        RunSettings.load()
    with pytest.raises(SettingsError, match=r"ENERFLO_CA_BUNDLE \(enerflo:caBundle\) must be a full path, such as /"):
        loaded_from(apiKey=SECRET, caBundle=path)


@pytest.mark.parametrize(
    ("name", "value"), [("MAX_REMOVALS", "-1"), ("MAX_REMOVALS", "10%"), ("SHARE_LIMITS", "perhaps")]
)
def test_an_invalid_setting_of_the_run_is_refused_with_its_name(
    name: str, value: str, environment: Environment
) -> None:
    environment({f"SEATWISE_{name}": value})
    with pytest.raises(SettingsError, match=f"SEATWISE_{name}"):
        RunSettings.load()


def test_by_default_removals_are_unlimited_and_limits_not_shared(environment: Environment) -> None:
    assert (RunSettings.load().max_removals, RunSettings.load().share_limits) == (None, False)
    environment({"SEATWISE_MAX_REMOVALS": "0", "SEATWISE_SHARE_LIMITS": "true"})
    assert (RunSettings.load().max_removals, RunSettings.load().share_limits) == (0, True)
