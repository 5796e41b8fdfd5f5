"""The inventory: one server an incident or a reason why not, and every mistake of the file at once."""

import importlib
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.fakes import FakeClock, an_incident
from tests.infrastructure.demo_extra import require_demo_extra
from worker.errors import ConfigurationError
from worker.infrastructure import Inventory
from worker.infrastructure.docker import DockerContainer
from worker.infrastructure.http_health import HttpHealth
from worker.infrastructure.kubernetes import KubernetesDeployment
from worker.ports import Directory, Server
from worker.terms import OwnLimits, RestartPolicy

EXAMPLE = Path(__file__).resolve().parents[2] / "deploy" / "inventory.example.toml"
PASSWORD = {"FIRSTLINE_LAB_PASSWORD": "made-up"}
RECORDED = '[systems.recorded]\nkind = "replay"\nfolder = "replay"\n'
LAB = """
[systems.lab]
kind = "supervisord"
url = "http://127.0.0.1:9001/RPC2"
username = "firstline"
password_env = "FIRSTLINE_LAB_PASSWORD"
"""


FILES = '[systems.logs]\nkind = "files"\n'
EDGE = '[servers."edge-*"]\nservice = "edge"\nsystem = "lab"\nlogs = "logs"\nlog_path = "/var/log/{server}.log"\n'
KINDS = ("supervisord", "replay", "files", "prometheus", "loki", "http", "docker", "kubernetes", "ssh")


def load(folder: Path, text: str, *, environment: dict[str, str] | None = None) -> Inventory:
    path = folder / "inventory.toml"
    path.write_text(text)
    return Inventory.load(path, FakeClock(), environment=PASSWORD if environment is None else environment)


def inventory_of(folder: Path, *server_ids: str) -> Inventory:
    for server_id in server_ids:
        (folder / "replay" / server_id).mkdir(parents=True)
    tables = [f'[servers."{server_id}"]\nservice = "payments"\nsystem = "recorded"\n' for server_id in server_ids]
    return load(folder, RECORDED + "".join(tables))


def mistakes_in(folder: Path, text: str, *, environment: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigurationError) as raised:
        load(folder, text, environment=environment)
    return str(raised.value).splitlines()


def found(inventory: Directory, text: str) -> str | None:
    answer = inventory.server_of(an_incident(text, server_id=None))
    return answer.server_id if isinstance(answer, Server) else None


def test_the_server_that_an_alert_names_is_found_with_its_service(tmp_path: Path) -> None:
    server = inventory_of(tmp_path, "payment-server-01").server_of(an_incident(server_id="payment-server-01"))
    assert isinstance(server, Server)
    assert (server.server_id, server.service) == ("payment-server-01", "payments")


def test_a_server_that_is_not_in_the_inventory_is_a_sentence(tmp_path: Path) -> None:
    answer = inventory_of(tmp_path, "payment-server-01").server_of(an_incident(server_id="srv-prod-04"))
    assert answer == (
        f'The inventory ({tmp_path}/inventory.toml) has no server "srv-prod-04": add it, or correct the alert.'
    )


def test_a_name_from_outside_is_bounded_and_made_visible(tmp_path: Path) -> None:
    answer = inventory_of(tmp_path, "a").server_of(an_incident(server_id="x\n\x1b[2J\u202e" + "y" * 240))
    assert isinstance(answer, str)
    assert answer.isprintable()
    assert r"x \x1b[2J\u202eyyy" in answer
    assert len(answer) < 250 + len(str(tmp_path))


def test_an_alert_that_names_an_unknown_server_is_not_searched_for_another(tmp_path: Path) -> None:
    incident = an_incident("payment-server-01 is slow", server_id="elsewhere")
    assert isinstance(inventory_of(tmp_path, "payment-server-01").server_of(incident), str)


@pytest.mark.parametrize(
    "text",
    [
        "The payment-server-01 is extremely slow and timing out.",
        "Slow: payment-server-01.",
        "PAYMENT-SERVER-01!",
        "payment-server-01:8080/health failed on 'payment-server-01'",
        "payment-server-01's CPU, (payment-server-01)",
        "- _payment-server-01_ -payment-server-01-",
        "server=payment-server-01\n",
    ],
)
def test_one_whole_name_in_the_text_is_found(tmp_path: Path, text: str) -> None:
    assert found(inventory_of(tmp_path, "payment-server-01", "payment", "db.example.com"), text) == "payment-server-01"


@pytest.mark.parametrize(
    "text",
    [
        "everything is slow",
        "payment-server-012 is slow",
        "xpayment-server-01 is slow",
        "my-payment-server-01 is slow",
        "payment-server-01-b is slow",
        "payment-server-01.example.com is slow",
        "old.payment-server-01 is slow",
        "payment-server-01é",
        "payment-server_01",
    ],
)
def test_part_of_another_name_is_not_found(tmp_path: Path, text: str) -> None:
    inventory = inventory_of(tmp_path, "payment-server-01")
    assert found(inventory, text) is None
    answer = inventory.server_of(an_incident(text, server_id=None))
    assert answer == (
        f"The alert names no server, and its text names none of the inventory ({tmp_path}/inventory.toml): "
        "name the server in the alert, or add it to the inventory."
    )


def test_several_servers_in_the_text_are_named_in_the_sentence(tmp_path: Path) -> None:
    inventory = inventory_of(tmp_path, *(f"db-{number}" for number in range(9)))
    answer = inventory.server_of(an_incident("db-1 can't reach db-0, DB-1 restarts", server_id=None))
    assert answer == "The text names several servers (db-0, db-1): only one server is triaged in one incident."
    all_of_them = " ".join(f"db-{number}" for number in range(9))
    assert "(db-0, db-1, db-2, db-3, db-4 and 4 more)" in str(
        inventory.server_of(an_incident(all_of_them, server_id=None))
    )


def test_the_example_is_valid_and_lets_nothing_be_restarted(tmp_path: Path) -> None:
    require_demo_extra("psutil")
    (tmp_path / "replay" / "orders-server-07").mkdir(parents=True)
    (tmp_path / "keys").mkdir()
    for name in ("look", "restart", "known_hosts"):
        (tmp_path / "keys" / name).touch()
    inventory = load(tmp_path, EXAMPLE.read_text(), environment=PASSWORD | {"FIRSTLINE_PROMETHEUS_TOKEN": "made-up"})
    assert found(inventory, "orders-server-07") == "orders-server-07"
    assert found(inventory, "payment-server-01") == "payment-server-01"
    policies = {server.terms.restart_policy for server in inventory.servers()}
    assert policies == {RestartPolicy.OBSERVE, RestartPolicy.NEVER}


def test_every_mistake_is_named_at_once(tmp_path: Path) -> None:
    (tmp_path / "replay").mkdir()
    text = """
    colour = "red"
    [systems.lab]
    kind = "supervisord"
    url = "http://10.0.0.7:9001/RPC2"
    username = "firstline"
    password_env = "LAB_PASSWORD"
    [systems.wrong]
    kind = "telnet"
    [systems.other]
    kind = "supervisord"
    url = "http://[::1]:9001/RPC2"
    username = "firstline"
    password_env = "OTHER_PASSWORD"
    [systems.recorded]
    kind = "replay"
    folder = "replay"
    [systems.lost]
    kind = "replay"
    folder = "lost"
    [servers."../web"]
    service = "web"
    system = "recorded"
    [servers.web-01]
    service = "web"
    sytem = "recorded"
    memory_limit_mib = -1
    [servers.web-02]
    service = "web"
    system = "labb"
    [servers.web-03]
    service = "web"
    system = "recorded"
    program = "web"
    [servers.web-04]
    service = "web"
    system = "other"
    program = "group:*"
    """
    kinds = ", ".join(sorted(KINDS))
    variable, to_what = "OTHER_PASSWORD", "set it to this system's password or token"
    form = "letters and digits, joined by single dots, hyphens or underscores; a pattern has small letters and *"
    names = ["lab", "wrong", "other", "recorded", "lost"]
    first, *rest = mistakes_in(tmp_path, text, environment={"OTHER_PASSWORD": ""})
    assert first == f"The inventory {tmp_path}/inventory.toml is wrong:"
    assert [line.strip() for line in rest] == [
        "colour: unknown table: remove it",
        "systems.lab.url: must be on loopback: health is measured on this machine's own processes",
        f"systems.wrong: is of a kind that there is not: take one of {kinds}",
        "servers.web-01.memory_limit_mib: Input should be greater than 0",
        "servers.web-01.sytem: unknown key: correct its spelling, or remove it",
        "servers.web-04.program: is no name of one program, NAME or GROUP:NAME",
        f"systems.other.password_env names the variable {variable}, which is not set: {to_what}",
        f"systems.lost.folder: there is no folder {tmp_path}/lost: create it, or correct the path",
        f"servers.../web: is no server name: {form}",
        f"servers.web-02.system: there is no [systems.labb]: add it, or name one of {sorted(names)}",
        f"servers.web-03: its recording is missing: create {tmp_path}/replay/web-03 with health.json and service.log",
        "servers.web-03.program: has no meaning for replay: remove it",
    ]


def test_two_names_for_one_thing_are_a_mistake_since_each_would_have_its_own_cooldown(tmp_path: Path) -> None:
    text = LAB + "".join(
        f'[servers.{server_id}]\nservice = "web"\nsystem = "lab"\nprogram = "{program}"\n'
        for server_id, program in [("web-01", "web"), ("WEB-01", "web2"), ("web-02", "web")]
    )
    assert mistakes_in(tmp_path, text)[1:] == [
        "  servers.WEB-01: differs from web-01 only in case: keep one of them",
        "  servers.web-02.program: is already the program of web-01: keep one of them",
    ]


def test_credentials_do_not_belong_into_the_address(tmp_path: Path) -> None:
    text = LAB.replace("127.0.0.1", "me:hunter2@127.0.0.1") + '[servers.a]\nservice = "web"\nsystem = "lab"\n'
    (_, mistake) = mistakes_in(tmp_path, text)
    assert "must hold no credentials" in mistake
    assert "hunter2" not in mistake


def test_an_empty_inventory_is_a_mistake(tmp_path: Path) -> None:
    assert mistakes_in(tmp_path, "servers = 3")[1:] == [
        "  systems: has no entry: add a table [systems.…]",
        "  servers: has no entry: add a table [servers.…]",
    ]


def test_a_missing_file_says_where_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"gone\.toml can't be read .*copy deploy/inventory\.example\.toml"):
        Inventory.load(tmp_path / "gone.toml", FakeClock())


def test_bad_toml_is_named_with_its_line(tmp_path: Path) -> None:
    assert "is not TOML" in mistakes_in(tmp_path, "[systems.lab]\nkind = \n")[0]
    assert "line 2" in mistakes_in(tmp_path, "[systems.lab]\nkind = \n")[0]


def test_bytes_that_are_no_text_are_named(tmp_path: Path) -> None:
    (tmp_path / "inventory.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match="is not TOML"):
        Inventory.load(tmp_path / "inventory.toml", FakeClock())


def test_a_missing_psutil_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psutil", None)
    monkeypatch.delitem(sys.modules, "worker.infrastructure.supervisord", raising=False)
    with pytest.raises(ConfigurationError, match=r"pip install 'firstline\[demo\]'"):
        load(tmp_path, LAB + '[servers.a]\nservice = "web"\nsystem = "lab"\n')


def test_the_room_is_entered_without_psutil(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psutil", None)
    for name in [name for name in sys.modules if name.startswith("worker.infrastructure")]:
        monkeypatch.delitem(sys.modules, name)
    assert importlib.import_module("worker.infrastructure").__all__ == ["Inventory"]


def test_a_server_that_nobody_has_classified_is_never_restarted(tmp_path: Path) -> None:
    server = inventory_of(tmp_path, "web-01").named("web-01")
    assert server is not None
    assert server.terms.restart_policy is RestartPolicy.NEVER


def test_a_group_speaks_for_its_members_and_a_server_s_own_word_goes_before(tmp_path: Path) -> None:
    for server_id in ("web-01", "web-02"):
        (tmp_path / "replay" / server_id).mkdir(parents=True)
    text = RECORDED + (
        '[groups.web]\nservice = "web"\nsystem = "recorded"\nowner = "team-web"\nrestart_policy = "observe"\n'
        '[servers.web-01]\ngroup = "web"\n'
        '[servers.web-02]\ngroup = "web"\nrestart_policy = "auto"\ndependencies = ["web-01"]\n'
    )
    first, second = load(tmp_path, text).servers()
    assert (first.service, first.terms.owner, first.terms.restart_policy) == ("web", "team-web", RestartPolicy.OBSERVE)
    assert (second.service, second.terms.owner, second.terms.restart_policy) == ("web", "team-web", RestartPolicy.AUTO)
    assert list(second.dependencies) == ["web-01"]


def test_a_pattern_gives_an_alert_s_own_server_its_name_and_no_word_of_a_text(tmp_path: Path) -> None:
    require_demo_extra("psutil")
    inventory = load(tmp_path, LAB + FILES + EDGE)
    server = inventory.server_of(an_incident(server_id="Edge-07"))
    assert isinstance(server, Server)
    assert server.server_id == "edge-07"
    assert found(inventory, "edge-07 is slow") is None
    assert isinstance(inventory.server_of(an_incident(server_id="edge-07.example.com")), str)
    assert isinstance(inventory.server_of(an_incident(server_id='edge-"} or vector(1)')), str)


def test_maintenance_is_of_the_inventory_s_time_zone(tmp_path: Path) -> None:
    (tmp_path / "replay" / "web-01").mkdir(parents=True)
    text = (
        'time_zone = "Europe/Berlin"\n' + RECORDED + '[servers.web-01]\nservice = "web"\nsystem = "recorded"\n'
        'maintenance = [{days = ["sun"], begins = 23:00:00, ends = 01:30:00}]\n'
    )
    (server,) = load(tmp_path, text).servers()
    assert server.terms.is_in_maintenance(datetime(2026, 3, 1, 22, 0, tzinfo=UTC))  # Sunday, eleven at night there
    assert server.terms.is_in_maintenance(datetime(2026, 3, 2, 0, 29, tzinfo=UTC))
    assert not server.terms.is_in_maintenance(datetime(2026, 3, 2, 0, 30, tzinfo=UTC))
    assert not server.terms.is_in_maintenance(datetime(2026, 3, 1, 0, 0, tzinfo=UTC))


def test_what_systems_lack_for_a_server_is_named(tmp_path: Path) -> None:
    text = (
        'time_zone = "Mars/Olympus"\n'
        + LAB
        + FILES
        + '[servers.web-01]\nservice = "web"\nsystem = "logs"\nlog_path = "/a"\nrestart_policy = "auto"\n'
        '[servers.web-02]\nservice = "web"\nhealth = "lab"\nlogs = "logs"\nrestart_policy = "approve"\n'
        'memory_limit_mib = 3\ndependencies = ["web-02", "db-01"]\n'
        '[servers.web-03]\ngroup = "nobody"\nservice = "web"\nlogs = "logs"\nlog_path = "relative.log"\n'
        '[servers.web-04]\nservice = "web"\nhealth = "lab"\nsystem = "lab"\nlog_path = "/var/log/web.log"\n'
    )
    assert [line.strip() for line in mistakes_in(tmp_path, text)[1:]] == [
        "time_zone: there is no 'Mars/Olympus': give a name such as Europe/Berlin",
        "servers.web-03.group: there is no [groups.nobody]: add it",
        "servers.web-03.log_path: is no absolute path",
        "servers.web-01.health: logs is of kind files, which has none: name another system by `health`",
        "servers.web-01.restart: logs is of kind files, which has none: name another system by `restart`",
        "servers.web-02.log_path: is missing: logs by logs needs it",
        "servers.web-02.restart: is missing: without it restart_policy can't be approve",
        "servers.web-02.dependencies: web-02 is no other server of this inventory: add it, or correct the name",
        "servers.web-02.dependencies: db-01 is no other server of this inventory: add it, or correct the name",
        "servers.web-04.log_path: has no meaning for supervisord: remove it",
    ]


def test_what_a_prometheus_and_an_ssh_lack_is_named(tmp_path: Path) -> None:
    text = (
        LAB + '[systems.metrics]\nkind = "prometheus"\nurl = "http://127.0.0.1:9090"\n'
        'token_env = "TOKEN"\nusername = "me"\n'
        '[systems.hosts]\nkind = "ssh"\nrestart_identity_file = "key"\nknown_hosts_file = "known"\n'
        '[servers.web-01]\nservice = "web"\nsystem = "lab"\nhealth = "metrics"\nrestart = "hosts"\n'
        '[servers.web-02]\nservice = "web"\nsystem = "lab"\nrestart = "hosts"\nhost = "-oProxyCommand=x"\n'
        '[servers.web-03]\nservice = "web"\nsystem = "lab"\nrestart = "hosts"\nhost = "web"\nunit = "web; id.service"\n'
        '[servers.web-04]\nservice = "web"\nsystem = "lab"\nrestart = "hosts"\nhost = "web"\n'
        '[servers.web-05]\nservice = "web"\nsystem = "lab"\nrestart = "hosts"\nhost = "web"\n'
    )
    remedy = "set it to this system's password or token"
    assert [line.strip() for line in mistakes_in(tmp_path, text)[1:]] == [
        "servers.web-02.host: is no host: write its name or address",
        "servers.web-03.unit: is no unit of systemd: write its whole name, such as payments.service",
        f"systems.metrics.token_env names the variable TOKEN, which is not set: {remedy}",
        "systems.metrics.username: goes with password_env: give both or none",
        f"systems.hosts.restart_identity_file: there is no file {tmp_path}/key: create it, or correct the path",
        f"systems.hosts.known_hosts_file: there is no file {tmp_path}/known: create it, or correct the path",
        "servers.web-01.metrics: is missing: health by metrics needs it",
        "servers.web-01.host: is missing: restart by hosts needs it",
        "servers.web-05.host: is already the host of web-04: keep one of them",
    ]


def test_a_pattern_whose_servers_would_all_be_one_thing_is_a_mistake(tmp_path: Path) -> None:
    table = 'service = "edge"\nsystem = "lab"\n'
    text = LAB + f'[servers."edge-*"]\n{table}program = "edge"\n[servers."web-*"]\n{table}program = "p-{{server}}"\n'
    assert mistakes_in(tmp_path, text)[1:] == [
        "  servers.edge-*.program: is one for all servers of the pattern: write {server} in it"
    ]


def test_a_pattern_gives_no_second_name_to_what_a_listed_server_is(tmp_path: Path) -> None:
    require_demo_extra("psutil")
    table = 'service = "edge"\nsystem = "lab"\n'
    inventory = load(tmp_path, LAB + f'[servers.gateway]\n{table}program = "edge-07"\n[servers."edge-*"]\n{table}')
    assert inventory.named("gateway") is not None
    assert inventory.named("edge-08") is not None
    assert inventory.named("edge-07") is None


def test_a_servers_own_limits_and_the_longest_restart_that_is_allowed(tmp_path: Path) -> None:
    require_demo_extra("psutil")
    table = 'service = "edge"\nsystem = "{system}"\nrestart_policy = "{policy}"\n'
    slow = LAB.replace("[systems.lab]", "[systems.slow]") + "restart_timeout_seconds = 90\n"
    limits = "cooldown_seconds = 60\nserver_restarts = 4\nserver_window_seconds = 600\n"
    listed = "[servers.edge-01]\n" + table.format(system="lab", policy="auto") + limits
    observed = '[servers."web-*"]\n' + table.format(system="slow", policy="{policy}")
    inventory = load(tmp_path, LAB + slow + listed + observed.format(policy="observe"))
    (server,) = inventory.servers()
    assert server.terms.limits == OwnLimits(cooldown_seconds=60, restarts=4, window_seconds=600)
    assert (server.service_manager.restart_seconds, inventory.longest_restart_seconds()) == (30, 30)
    assert load(tmp_path, LAB + slow + listed + observed.format(policy="approve")).longest_restart_seconds() == 90


CLUSTERS = """
[systems.endpoints]
kind = "http"
[systems.engine]
kind = "docker"
[systems.cluster]
kind = "kubernetes"
url = "https://cluster.example.com"
"""
SHOP = '[servers.{name}]\nservice = "shop"\n{keys}\n'


def test_containers_deployments_and_health_endpoints_are_reached_by_their_own_keys(tmp_path: Path) -> None:
    deployment = 'system = "cluster"\nnamespace = "shop"\ndeployment = "web"\nhealth = "endpoints"\n'
    inventory = load(
        tmp_path,
        CLUSTERS
        + SHOP.format(name="web-01", keys='system = "engine"\ncontainer = "{server}"\nrestart_policy = "auto"')
        + SHOP.format(
            name="web-02", keys=deployment + 'health_url = "https://{server}.example.com:8443/health?full=1"'
        ),
    )
    container, deployed = inventory.servers()
    assert isinstance(container.health, DockerContainer)
    assert container.service_manager.restart_seconds == 30
    assert isinstance(deployed.health, HttpHealth)
    assert isinstance(deployed.logs, KubernetesDeployment)
    assert deployed.service_manager.restart_seconds == 60
    inventory.close()


def test_a_pattern_of_deployments_needs_the_server_s_name_in_namespace_or_deployment(tmp_path: Path) -> None:
    keys = 'system = "cluster"\nnamespace = "{namespace}"\ndeployment = "web"'
    text = CLUSTERS + SHOP.replace("{name}", '"shop-*"').replace("{keys}", keys)
    assert load(tmp_path, text.replace("{namespace}", "{server}")).named("shop-7") is not None
    assert mistakes_in(tmp_path, text.replace("{namespace}", "shop"))[1:] == [
        "  servers.shop-*.deployment: is one for all servers of the pattern: write {server} in it"
    ]


def test_every_mistake_about_containers_deployments_and_endpoints_is_listed(tmp_path: Path) -> None:
    same = 'system = "cluster"\nnamespace = "shop"\ndeployment = "web"'
    tables = {
        "web-01": 'system = "engine"\ncontainer = "web"',
        "web-02": 'system = "engine"\ncontainer = "web"',
        "web-03": 'system = "engine"\ncontainer = ".."',
        "web-04": same,
        "web-05": same,
        "web-06": 'system = "cluster"\nnamespace = "shop"',
        "web-07": same.replace("web", "api") + '\nhealth = "endpoints"\nhealth_url = "https://a.example.com@evil/x"',
        "web-08": same.replace("web", "db") + '\nhealth = "endpoints"',
        "web-09": 'system = "cluster"\nnamespace = "../shop"\ndeployment = "x"',
    }
    text = CLUSTERS + "".join(SHOP.format(name=name, keys=keys) for name, keys in tables.items())
    assert [line.strip() for line in mistakes_in(tmp_path, text)[1:]] == [
        "servers.web-03.container: is no name of a container",
        "servers.web-07.health_url: is no address: write http(s)://HOST[:PORT]/PATH, without credentials",
        "servers.web-09.namespace: is no name of Kubernetes",
        "servers.web-06.deployment: is missing: health by cluster needs it",
        "servers.web-06.deployment: is missing: logs by cluster needs it",
        "servers.web-06.deployment: is missing: restart by cluster needs it",
        "servers.web-08.health_url: is missing: health by endpoints needs it",
        "servers.web-02.container: is already the container of web-01: keep one of them",
        "servers.web-05.deployment: is already the deployment of web-04: keep one of them",
    ]


@pytest.mark.parametrize(
    ("window", "complaint"),
    [
        ("{begins = 2, ends = 4}", "maintenance.0.begins: is no time of day: write 02:30:00"),
        ('{begins = "02:00+05:00", ends = 04:00:00}', "maintenance.0.begins: is no time of day: write 02:30:00"),
        (
            "{begins = 02:00:00, ends = 04:00:00, days = []}",
            "maintenance.0.days: Frozenset should have at least 1 item",
        ),
    ],
)
def test_a_maintenance_window_is_never_guessed(tmp_path: Path, window: str, complaint: str) -> None:
    text = (
        LAB + f'[servers.web-01]\nservice = "web"\nsystem = "lab"\nmaintenance = [{window}]\ncooldown_seconds = true\n'
    )
    mistakes = mistakes_in(tmp_path, text)[1:]
    assert any(complaint in mistake for mistake in mistakes)
    assert "  servers.web-01.cooldown_seconds: is no number" in mistakes
    require_demo_extra("psutil")
    (server,) = load(
        tmp_path, text.replace(window, '{begins = "02:00", ends = 04:00:00}').replace("true", "60")
    ).servers()
    assert server.terms.is_in_maintenance(datetime(2026, 1, 1, 3, tzinfo=UTC))


def test_one_thing_under_two_systems_or_in_another_case_is_found(tmp_path: Path) -> None:
    (tmp_path / "key").touch()
    (tmp_path / "known").touch()
    keys = 'user = "u"\nidentity_file = "key"\nrestart_identity_file = "key"\nknown_hosts_file = "known"\n'
    systems = "".join(f'[systems.{name}]\nkind = "ssh"\n{keys}' for name in ("hosts", "others"))
    table = 'service = "web"\nsystem = "{system}"\nhost = "{host}"\nunit = "web.service"\n'
    text = systems + "".join(
        f"[servers.web-0{number}]\n" + table.format(system=system, host=host)
        for number, (system, host) in enumerate(
            [("hosts", "web"), ("others", "web"), ("hosts", "WEB."), ("hosts", "db")]
        )
    )
    assert mistakes_in(tmp_path, text)[1:] == [
        "  servers.web-01.host: is already the host of web-00: keep one of them",
        "  servers.web-02.host: is already the host of web-00: keep one of them",
    ]


def test_a_pattern_that_an_earlier_one_covers_is_never_reached(tmp_path: Path) -> None:
    table = 'service = "web"\nsystem = "lab"\nprogram = "p-{server}"\n'
    text = LAB + f'[servers."*"]\n{table}[servers."db-*"]\n{table}restart_policy = "never"\n'
    assert mistakes_in(tmp_path, text)[1:] == [
        "  servers.db-*: is never reached, for * stands above it: put it before *",
    ]


def test_a_mistake_of_a_group_is_told_once_whether_it_has_members_or_not(tmp_path: Path) -> None:
    members = "".join(f'[servers.web-{number}]\ngroup = "web"\nservice = "web"\n' for number in range(5))
    groups = (
        '[groups.web]\nsystem = "lab"\nownr = "x"\n[groups.unused]\nrestart_policy = "banana"\ndependencies = "a"\n'
    )
    assert [mistake.partition(" ")[2].strip() for mistake in mistakes_in(tmp_path, LAB + groups + members)[1:]] == [
        "groups.web.ownr: unknown key: correct its spelling, or remove it",
        "groups.unused.restart_policy: Input should be 'auto', 'approve', 'observe' or 'never'",
        'groups.unused.dependencies: is no list: write ["…"]',
    ]


def test_an_alert_may_write_a_name_in_another_case(tmp_path: Path) -> None:
    server = inventory_of(tmp_path, "payment-server-01").named("Payment-Server-01")
    assert server is not None
    assert server.server_id == "payment-server-01"


def test_a_file_that_is_nested_too_deeply_is_not_toml(tmp_path: Path) -> None:
    assert "is not TOML" in mistakes_in(tmp_path, f"a = {'[' * 100_000}")[0]


def test_every_name_of_one_thing_has_its_one_target_and_a_number_is_no_name_of_a_pattern(tmp_path: Path) -> None:
    for file in ("key", "known"):
        (tmp_path / file).touch()
    hosts = '[systems.hosts]\nkind = "ssh"\nuser = "u"\nidentity_file = "key"\nknown_hosts_file = "known"\n'
    table = 'service = "web"\nsystem = "hosts"\nunit = "web.service"\nhost = '
    short = f'[servers."web-*"]\n{table}"{{server}}.example.com"\n'
    full = f'[servers."*.example.com"]\n{table}"{{server}}"\n'
    inventory = load(tmp_path, hosts + short + full + f'[servers."*"]\n{table}"{{server}}"\n')
    first, second = inventory.named("web-1"), inventory.named("WEB-1.example.com")
    assert first is not None
    assert second is not None
    assert first.target == second.target != ""
    for number in ("2130706433", "0x7f000001", "127.0.0.1", "web.0x1", "we\u00df-1"):
        assert inventory.named(number) is None


@pytest.mark.parametrize("url", ["http://[zz/x", "http://a:99999/x", "http://a:0/", "ftp://a/x", "http://a/x y"])
def test_a_health_url_that_is_none_is_a_mistake_and_not_an_error(tmp_path: Path, url: str) -> None:
    keys = f'system = "engine"\ncontainer = "web"\nhealth = "endpoints"\nhealth_url = "{url}"'
    assert mistakes_in(tmp_path, CLUSTERS + SHOP.format(name="web-01", keys=keys))[1:] == [
        "  servers.web-01.health_url: is no address: write http(s)://HOST[:PORT]/PATH, without credentials"
    ]


def test_a_source_that_can_prove_no_recovery_allows_no_restart(tmp_path: Path) -> None:
    metrics = '[systems.metrics]\nkind = "prometheus"\nurl = "http://127.0.0.1:9090"\n'
    keys = 'system = "engine"\ncontainer = "{server}"\nrestart_policy = "auto"\n'
    node = 'health = "metrics"\nmetrics = \'server="{server}"\'\n'
    tables = {
        "web-01": f'{keys}health = "endpoints"\nhealth_url = "https://a.example.com/health"',
        "web-02": f'{keys}{node}exporter = "kube_state"',
        "web-03": f"{keys}{node}",
        "web-04": f'{keys}{node}unit = "web.service"',
        "web-05": f'{keys}{node}exporter = "cadvisor"',
        "web-06": keys.replace("auto", "observe") + node,
    }
    text = CLUSTERS + metrics + "".join(SHOP.format(name=name, keys=said) for name, said in tables.items())
    mistakes = mistakes_in(tmp_path, text)[1:]
    assert [mistake.partition(": ")[0].strip() for mistake in mistakes] == [
        f"servers.web-0{n}.health" for n in (1, 2, 3)
    ]
    assert "lower restart_policy from auto to observe" in mistakes[0]
