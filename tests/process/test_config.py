"""What an operator can set, and what he is told when he sets it wrong."""

from __future__ import annotations

import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from support.client import DEADLINE

from server import secret_file
from server.config import Config
from server.setting_values import ConfigError

SECRET = "s3cret-" * 8
METRICS_TOKEN = "s3cret-of-a-scrape"

# what a setting for mail needs beside it
PAGES = {
    "BOTYARD_PASSWORD_RESET_URL": "https://h/reset",
    "BOTYARD_EMAIL_VERIFICATION_URL": "https://h/verify",
}
# variable, field, default, a good value, what becomes of it
GOOD: list[tuple[str, Any, str, Any]] = [
    ("host", "127.0.0.1", "::1", "::1"),
    ("host", "127.0.0.1", "example.org", "example.org"),
    ("port", 8000, "0", 0),
    ("port", 8000, "65535", 65535),
    ("data_dir", Path("data"), "/srv/botyard", Path("/srv/botyard")),
    ("process_name", "", "alpha-1:8000", "alpha-1:8000"),
    ("database_url", "", "sqlite:///x.db", "sqlite:///x.db"),
    ("database_url", "", "postgresql://u:p@h:5432/n", "postgresql://u:p@h:5432/n"),
    *(
        ("database_url", "", url, url)
        for url in (
            "postgresql://u:p@a:5432,b:5433/db?target_session_attrs=read-write",
            "postgres://u:p@[::1]:5432,b.example.org/db",
            "postgresql://u:p%40@%2Fvar%2Frun%2Fpostgresql/db",
        )
    ),
    ("database_direct_url", "", "postgresql://u:p@a,b/n", "postgresql://u:p@a,b/n"),
    ("secret_key", "", SECRET, SECRET),
    ("secret_key", "", f"{SECRET},{SECRET[::-1]}", f"{SECRET},{SECRET[::-1]}"),
    ("telegram_api_url", "https://api.telegram.org", "http://h:8081/", "http://h:8081"),
    ("telegram_proxy", None, "socks5://u:p@h:1080", "socks5://u:p@h:1080"),
    ("telegram_proxy", None, "http://h:3128", "http://h:3128"),
    ("max_bots_per_user", 5, "1", 1),
    ("max_bots_per_user", 5, "32767", 32767),
    ("account_rate", 20, "1", 1),
    ("account_rate", 20, "32767", 32767),
    ("cors_origins", frozenset(), "https://a.b, http://c:81,", {"https://a.b", "http://c:81"}),
    ("cors_origins", frozenset(), "https://Panel.Example.org", {"https://panel.example.org"}),
    ("allowed_hosts", frozenset(), "Panel.Example.org, [::1],", {"panel.example.org", "[::1]"}),
    ("session_days", 14, "365", 365),
    ("history_days", 365, "0", 0),
    ("audit_days", 365, "30", 30),
    ("media_total", 5000, "1000000", 1_000_000),
    ("registration", True, "closed", False),
    ("registration", True, "open", True),
    ("behind_proxy", False, "yes", True),
    ("behind_proxy", False, "TRUE", True),
    ("behind_proxy", False, "0", False),
    ("metrics_token", None, METRICS_TOKEN, METRICS_TOKEN),
    ("metrics_token", None, "c2l4dGVlbiBjaGFycw==", "c2l4dGVlbiBjaGFycw=="),
    ("smtp_url", None, "smtps://u:p%40@h:465?from=a@b.c", "smtps://u:p%40@h:465?from=a@b.c"),
    ("smtp_url", None, "smtp://h?from=a@b.c", "smtp://h?from=a@b.c"),
    ("password_reset_url", None, "https://h/a?b=c", "https://h/a?b=c"),
    ("email_verification_url", None, "http://h:81/a/", "http://h:81/a/"),
    ("log_level", "info", "debug", "debug"),
    ("log_level", "info", "error", "error"),
    ("log_format", "human", "json", "json"),
]

# field, what it takes, bad values
BAD: dict[str, tuple[str, list[str]]] = {
    "host": ("a host name or address", [" "]),
    "port": ("a number from 0 to 65535", ["65536", "-1", "http", "80.0", " "]),
    "process_name": ("up to 64 letters, digits and . _ : @ -", ["a b", "-a", "a/b", "a" * 65]),
    "database_url": (
        "sqlite:///path or postgresql://user:password@host/name",
        ["x.db", "sqlite:///", "sqlite://x.db", "mysql://h/n", "postgresql://h", "postgresql://[/n",
         "postgresql://h:port/n", "postgresql://a:5432,b:port/n", "postgresql://a,/n",
         "postgresql://a:5432,b:65536/n"],
    ),
    "database_direct_url": (
        "postgresql://user:password@host/name",
        ["sqlite:///x.db", "h/n", "postgresql://h", "postgresql://a,:5432/n"],
    ),
    "telegram_api_url": (
        "http://host... or https://host...",
        ["api.telegram.org", "ftp://h", "http://", "https:///x", "http://[", "http://h:99999"],
    ),
    "telegram_proxy": ("http://host... or socks5://host...", ["h:3128", "socks4://h", "socks5://"]),
    "max_bots_per_user": ("a whole number from 1 to 32767", ["0", "-5", "32768", "five", "1.5"]),
    "cors_origins": (
        "origins such as https://panel.example.org",
        ["*", "panel.example.org", "https://a.b/x", "https://a.b,ftp://c",
         "https://[", "https://a.b?x", "null"],
    ),
    "smtp_url": (
        "smtp://user:password@host:587?from=panel@example.org",
        ["h:25", "http://h?from=a", "smtp://h", "smtp://h?from=a", "smtps://[?from=a"],
    ),
    "password_reset_url": ("the address of a page without #", ["h/reset", "https://h/#/reset"]),
    "email_verification_url": ("the address of a page without #", ["ftp://h", "https://h/a b"]),
    "allowed_hosts": (
        "names without a port such as panel.example.org",
        ["panel.example.org:443", "https://panel.example.org", "a b", "*", "::1"],
    ),
    "history_days": ("a whole number from 0 to 32767", ["32768", "-1", "week"]),
    "media_total": (
        "a whole number of MB from 1 to 1000000", ["0", "-1", "1.5", "1000001", "5 GB"]
    ),
    "audit_days": ("a whole number from 1 to 32767", ["0", "-1", "year"]),
    "session_days": ("a whole number from 1 to 32767", ["0", "-1", "forever", "1e3"]),
    "registration": ("open or closed", ["yes", "Open", "no"]),
    "behind_proxy": ("yes or no", ["maybe", "2", "on"]),
    "log_level": ("debug or info or warning or error", ["INFO", "trace", "20"]),
    "log_format": ("human or json", ["JSON", "text", "human,json"]),
}  # fmt: skip


def variable(field: str) -> str:
    """The environment variable of a setting."""
    return f"BOTYARD_{field.upper()}"


@pytest.mark.parametrize(("field", "default"), sorted({row[0]: row[1] for row in GOOD}.items()))
def test_a_setting_has_its_default(field: str, default: Any) -> None:
    assert getattr(Config.load({}), field) == default


def test_every_setting_is_among_those_tested() -> None:
    assert {row[0] for row in GOOD} == set(Config.__dataclass_fields__)


@pytest.mark.parametrize(("field", "text", "value"), [(row[0], row[2], row[3]) for row in GOOD])
def test_a_variable_sets_it(field: str, text: str, value: Any) -> None:
    assert getattr(Config.load({variable(field): text}), field) == value


@pytest.mark.parametrize(("field", "text"), [(row[0], row[2]) for row in GOOD])
def test_a_flag_wins_over_the_variable(field: str, text: str) -> None:
    by_flag = Config.load({variable(field): " not this "}, **{field: text})
    assert by_flag == Config.load({variable(field): text})


@pytest.mark.parametrize("field", sorted({row[0] for row in GOOD}))
def test_an_empty_variable_is_the_default(field: str) -> None:
    assert Config.load({variable(field): ""}) == Config.load({})


@pytest.mark.parametrize(
    ("field", "text"), [(field, text) for field, (_, texts) in BAD.items() for text in texts]
)
def test_a_wrong_value_is_one_line_with_variable_value_and_what_it_takes(
    field: str, text: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        Config.load({variable(field): text})
    assert str(caught.value).startswith(
        f"{variable(field)}: invalid value {text!r}; expected {BAD[field][0]}"
    )
    assert "\n" not in str(caught.value)


def test_a_wrong_flag_is_named_as_a_flag() -> None:
    with pytest.raises(ConfigError, match=r"^--session-days: invalid value 'x'; expected"):
        Config.load({}, session_days="x")


def test_a_short_secret_is_refused_and_not_shown() -> None:
    with pytest.raises(ConfigError, match=r"^BOTYARD_SECRET_KEY: .*at least 32 characters$") as got:
        Config.load({"BOTYARD_SECRET_KEY": "too-short"})
    assert "too-short" not in str(got.value)


@pytest.mark.parametrize("text", ["pa55", "pa55 with a space in it", "pa55wörter-sind-es-hier"])
def test_a_metrics_token_that_no_header_can_carry_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(
        ConfigError, match=r"^BOTYARD_METRICS_TOKEN: invalid value; .*16 or more"
    ) as got:
        Config.load({"BOTYARD_METRICS_TOKEN": text})
    assert "pa55" not in str(got.value)


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("database_url", "postgresql://ann:pa55word@h:port/name"),
        ("database_url", "postgresql://ann:pa55word@a:1,b:port/name"),
        ("database_direct_url", "postgresql://ann:pa55word@h:port/name"),
        ("telegram_proxy", "socks4://ann:pa55word@h"),
        ("telegram_api_url", "ftp://ann:pa55:w@rd@h"),
        ("cors_origins", "https://ann:pa55word@h"),
    ],
)
def test_a_wrong_address_is_shown_without_its_password(field: str, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Config.load({variable(field): text})
    assert "pa55" not in str(caught.value)


@pytest.mark.parametrize("name", ["BOTYARD_PROT", "BOTYARD_", "BOTYARD_Port", "BOTYARD_port"])
def test_a_variable_that_does_not_exist_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=f"^{name}: unknown setting$"):
        Config.load({name: "8000"})


def test_other_programs_variables_are_left_alone() -> None:
    assert Config.load({"PORT": "1", "XBOTYARD_PORT": "1", "botyard": "x"}) == Config.load({})


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("secret_key", SECRET),
        ("metrics_token", METRICS_TOKEN),
        ("database_url", "postgresql://ann:s3cret-password@h/n"),
        ("database_direct_url", "postgresql://ann:s3cret-password@h/n"),
        ("telegram_proxy", "http://ann:s3cret-password@h"),
        ("smtp_url", "smtp://ann:s3cret-password@h?from=a@b.c"),
    ],
)
def test_the_settings_as_text_hold_no_secret(field: str, text: str) -> None:
    assert "s3cret" not in repr(Config.load({variable(field): text}))


@pytest.mark.parametrize(
    "text", ["smtp://u@h?from=a@b.c", "smtp://h:x?from=a@b.c", "smtp://h?from=a@b.c,d@e.f"]
)
def test_an_smtp_server_has_a_whole_login_a_port_and_one_sender(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^BOTYARD_SMTP_URL: invalid value 'smtp://\*\*\*@"):
        Config.load({"BOTYARD_SMTP_URL": text})


@pytest.mark.parametrize("missing", list(PAGES))
def test_mail_needs_the_pages_that_links_lead_to(missing: str) -> None:
    given = PAGES | {"BOTYARD_SMTP_URL": "smtp://h?from=a@b.c"}
    del given[missing]
    with pytest.raises(ConfigError, match=f"BOTYARD_SMTP_URL needs {missing}"):
        Config.load(given).with_data_dir()


# -- the data folder


def filled(folder: Path, **flags: str) -> Config:
    """The settings of a folder."""
    return Config.load({}, data_dir=str(folder), **flags).with_data_dir()


def test_the_first_start_makes_the_folder_for_its_user_alone(tmp_path: Path) -> None:
    filled(tmp_path / "a" / "b")
    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o700


def test_the_database_is_in_the_folder(tmp_path: Path) -> None:
    assert filled(tmp_path).database_url == f"sqlite:///{tmp_path}/botyard.db"


def test_a_database_of_ones_own_is_left_alone(tmp_path: Path) -> None:
    assert filled(tmp_path, database_url="sqlite:///x.db").database_url == "sqlite:///x.db"


def test_the_first_start_makes_a_secret_that_its_user_alone_can_read(tmp_path: Path) -> None:
    secret = filled(tmp_path).secret_key
    assert len(secret) >= 32
    assert (tmp_path / "secret.key").read_text().strip() == secret
    assert stat.S_IMODE((tmp_path / "secret.key").stat().st_mode) == 0o600


def test_the_secret_stays_the_same(tmp_path: Path) -> None:
    assert filled(tmp_path).secret_key == filled(tmp_path).secret_key


def test_two_folders_have_two_secrets(tmp_path: Path) -> None:
    assert filled(tmp_path / "a").secret_key != filled(tmp_path / "b").secret_key


def test_servers_that_start_at_once_share_one_secret(tmp_path: Path) -> None:
    ready = threading.Barrier(8)

    def start(_: int) -> str:
        ready.wait(DEADLINE)
        return filled(tmp_path).secret_key

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(start, range(8)))) == 1


def test_a_crash_while_the_secret_is_made_leaves_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(_: int) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(secret_file.os, "fsync", crash)
        with pytest.raises(SystemExit):
            filled(tmp_path)
    assert not (tmp_path / "secret.key").exists()
    assert len(filled(tmp_path).secret_key) >= 32


def test_a_secret_that_others_can_read_is_closed_to_them(tmp_path: Path) -> None:
    filled(tmp_path)
    (tmp_path / "secret.key").chmod(0o644)
    filled(tmp_path)
    assert stat.S_IMODE((tmp_path / "secret.key").stat().st_mode) == 0o600


@pytest.mark.parametrize("content", [b"", b"short", b"\n" * 64, b"\xff" * 64])
def test_a_damaged_secret_is_not_replaced(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "secret.key").write_bytes(content)
    with pytest.raises(ConfigError, match=r"secret\.key is damaged: restore it from your backup"):
        filled(tmp_path)
    assert (tmp_path / "secret.key").read_bytes() == content


def test_a_secret_of_ones_own_makes_no_file(tmp_path: Path) -> None:
    assert filled(tmp_path, secret_key=SECRET).secret_key == SECRET
    assert not (tmp_path / "secret.key").exists()


def test_a_folder_that_is_a_file_is_put_down_to_the_variable_or_the_flag(tmp_path: Path) -> None:
    file = tmp_path / "data"
    file.touch()
    wrong = f"invalid value {str(file)!r}; expected a folder, and this is a file"
    with pytest.raises(ConfigError, match=f"^BOTYARD_DATA_DIR: {wrong}$"):
        Config.load({"BOTYARD_DATA_DIR": str(file)})
    with pytest.raises(ConfigError, match=f"^--data-dir: {wrong}$"):
        Config.load({"BOTYARD_DATA_DIR": str(tmp_path)}, data_dir=str(file))


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"^the data folder .*/file/data cannot be used: Not a d"):
        filled(tmp_path / "file" / "data")


# -- the two URLs of a database behind a pooler


def test_the_direct_url_is_for_what_needs_a_session() -> None:
    pooled, direct = "postgresql://u@pooler:6432/n", "postgresql://u@a:5432,b:5432/n"
    config = Config.load({"BOTYARD_DATABASE_URL": pooled, "BOTYARD_DATABASE_DIRECT_URL": direct})
    assert (config.database_address, config.direct_address) == (pooled, direct)
    assert config.is_pooled


def test_without_a_direct_url_there_is_no_pooler() -> None:
    config = Config.load({"BOTYARD_DATABASE_URL": "postgresql://u@h/n"})
    assert config.direct_address == config.database_address
    assert not config.is_pooled


def test_the_direct_url_of_another_database_does_not_count() -> None:
    environ = {
        "BOTYARD_DATABASE_URL": "postgresql://u@pooler:6432/n",
        "BOTYARD_DATABASE_DIRECT_URL": "postgresql://u@h/n",
    }
    for url in ("postgresql://u@h/other", "sqlite:///x.db"):
        config = Config.load(environ, database_url=url)
        assert config.direct_address == url
        assert not config.is_pooled


def test_a_direct_url_changes_nothing_with_sqlite() -> None:
    config = Config.load({"BOTYARD_DATABASE_DIRECT_URL": "postgresql://u@h/n"})
    assert config.direct_address == config.database_address
