"""The detector: what is found, what stays, and how long it takes, whatever a text holds."""

import time

import pytest

from worker.redaction import Kind, Masker, PatternDetector, Placeholders, RedactionRules

RULES = RedactionRules(
    kept=frozenset({"payment-server-01"}),
    domains=frozenset({"corp.example.com"}),
    denied=frozenset({"project-bluebird"}),
    users=frozenset({"ada.lovelace"}),
    national_ids={"us_ssn": r"\b\d{3}-\d{2}-\d{4}\b"},
)
DETECTOR = PatternDetector(RULES)


def masked(text: str) -> str:
    return Masker(DETECTOR, Placeholders()).masked(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("connect to 10.0.0.7:9200 refused", "connect to [IP_ADDRESS_1]:9200 refused"),
        ("password=Tr0ub4dor-x: Connection refused", "password=[PASSWORD] Connection refused"),
        ("server=10.1.2.3 driver:10.1.2.4", "server=[IP_ADDRESS_1] driver:[IP_ADDRESS_2]"),
        ("src: /10.250.19.102:54106", "src: /[IP_ADDRESS_1]:54106"),
        ("from sa-39.fareast.corp/10.86.169.121:9000", "from sa-39.fareast.corp/[IP_ADDRESS_1]:9000"),
        ("to MSRA-41/203.0.113.7:8030", "to MSRA-41/[IP_ADDRESS_1]:8030"),
        ("route 10.2.0.0/16 via [2001:db8::1]:443", "route [IP_ADDRESS_1]/16 via [[IP_ADDRESS_2]]:443"),
        ("mac 00:1B:44:11:3A:B7, 001b.4411.3ab7 ", "mac [MAC_ADDRESS_1], [MAC_ADDRESS_2] "),
        ("db-1.corp.example.com is down", "[HOST_1] is down"),
        ("mail ops+x@example.org bounced", "mail [EMAIL_ADDRESS_1] bounced"),
        (
            "Accepted password for bob from 10.2.3.4 port 22",
            "Accepted password for [USER_1] from [IP_ADDRESS_1] port 22",
        ),
        ("/home/alice/x by uid=1000(alice)", "/home/[USER_1]/x by uid=1000([USER_1])"),
        ("seen with ada.lovelace today", "seen with [USER_1] today"),
        ("call +49 30 1234567 or (415) 555-2671", "call [PHONE_NUMBER_1] or [PHONE_NUMBER_2]"),
        ("to DE89 3704 0044 0532 0130 00", "to [IBAN]"),
        ("card 4111 1111 1111 1111 declined", "card [CARD_NUMBER] declined"),
        ("ssn 078-05-1120 sent", "ssn [NATIONAL_ID] sent"),
        ("rollout of Project-Bluebird failed", "rollout of [DENIED_1] failed"),
        ("postgres://app:s3cr3t@db:5432/x", "postgres://[USER_1]:[PASSWORD]@db:5432/x"),
        ("Authorization: Bearer abc.def.ghi123", "Authorization: Bearer [AUTHORIZATION]"),
        ("Cookie: sid=abc; theme=dark", "Cookie: [COOKIE]"),
        ("t eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "t [JWT]"),
        ("AKIAIOSFODNN7EXAMPLE denied", "[API_KEY] denied"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nIBAA=\n-----END RSA PRIVATE KEY-----\nok", "[PRIVATE_KEY]\nok"),
        ("db_password: hunter2x", "db_password: [PASSWORD]"),
        ('{"password":"p@ss w0rd","level":"info"}', '{"password":"[PASSWORD]","level":"info"}'),
        ("'password' => 'x9' spring.password=foo9", "'password' => '[PASSWORD]' spring.password=[PASSWORD]"),
        ("<password>geheim9</password>", "<password>[PASSWORD]</password>"),
        ("cmd --password hunter2 now", "cmd --password [PASSWORD] now"),
        ("q=password%3Dhunter2", "q=[PASSWORD]"),
        ("cGFzc3dvcmQ9aHVudGVyMi1zZWNyZXQ= seen", "[SECRET] seen"),
        ("Server=db;User ID=admin;Password={Abc;123!x};", "Server=db;User ID=admin;Password={[PASSWORD]};"),
        ("Password for user bob is Summer2024!", "Password for user [USER_1] is [PASSWORD]"),
        ("Enter passphrase for key '/srv/id_rsa': swordfish1", "Enter passphrase for key '/srv/id_rsa': [PASSWORD]"),
        ("The password is: Fl0werP0wer", "The password is: [PASSWORD]"),
        ("Using credentials olivia:Fl0werP0wer", "Using credentials olivia:[PASSWORD]"),
        ("- name: DB_PASS\n  value: kX92mZ01", "- name: DB_PASS\n  value: [PASSWORD]"),
        ('{"name":"DB_PASS","value":"kX92mZ01"}', '{"name":"DB_PASS","value":"[PASSWORD]"}'),
        ("ENV API_TOKEN a1b2c3d4e5f6g7h8", "ENV API_TOKEN [PASSWORD]"),
        ("token kX92mZ01abcdef0123456789 expired", "token [PASSWORD] expired"),
        ("otp 482913 sent, PIN=4829", "otp [PASSWORD] sent, PIN=[PASSWORD]"),
        ("docker login -u ci -p kX92mZ01 hub", "docker login -u ci -p [PASSWORD] hub"),
        ("signing_key = b'\\x12abcdEF99!'", "signing_key = b'[PASSWORD]'"),
        ("AUTH PLAIN AGFkbWluAHMzY3JldDE=", "AUTH PLAIN [AUTHORIZATION]"),
        ("aa:bb:cc:dd:ee:01 aa:bb:cc:dd:ee:02", "[MAC_ADDRESS_1] [MAC_ADDRESS_2]"),
        ("192.168.1.1-192.168.1.20", "[IP_ADDRESS_1]-[IP_ADDRESS_2]"),
        ("login as: judy", "login as: [USER_1]"),
        ("New session 5 of user jdoe.", "New session 5 of user [USER_1]."),
        ("PWD=/home/jdoe ; USER=root", "PWD=/home/[USER_1] ; USER=root"),
        ("<user>quentin</user>", "<user>[USER_1]</user>"),
        ("sent to +4915112345678", "sent to [PHONE_NUMBER_1]"),
        ("Cookie: a=eyJhbGciOiJI.eyJzdWIi.x; sess=de1234567890abcdef12", "Cookie: [COOKIE]"),
        ("password changed from C0ffee-yuw to QriNtgHrP2i", "password changed from [PASSWORD] to [PASSWORD]"),
        ('~ password      = "Monkey2025!" -> "Autumn2017!"', '~ password      = "[PASSWORD]" -> "[PASSWORD]"'),
        ('"tokens": ["aV0JwwqVoe", "vnlWifRH4h"], "n": 1', '"tokens": [[PASSWORD]], "n": 1'),
        ("WITH PASSWORD = N'LFX6XJlUvkFG'", "WITH PASSWORD = N'[PASSWORD]'"),
        ("password=\x1b[32mhgcx34NQ\x1b[0m", "password=\x1b[32m[PASSWORD]\x1b[0m"),
        ('["password"]=> string(12) "Autumn2017!"', '["password"]=> string(12) "[PASSWORD]"'),
        ("&lt;password&gt;Chelsea2025!&lt;/password&gt;", "&lt;password&gt;[PASSWORD]&lt;/password&gt;"),
        ('<property name="db.password">atlketx</property>', '<property name="db.password">[PASSWORD]</property>'),
        ("Kennwort=Berlin2019! mot de passe : vnsxeob", "Kennwort=[PASSWORD] mot de passe : [PASSWORD]"),
        ("define('DB_PASSWORD', 'kX92mZ01');", "define('DB_PASSWORD', '[PASSWORD]');"),
        ("LDAP_PASSWORD=Charlie17&ZJj", "LDAP_PASSWORD=[PASSWORD]"),
        ('1700.1 [0 127.0.0.1:1] "AUTH" "banana7969"', '1700.1 [0 127.0.0.1:1] "AUTH" "[PASSWORD]"'),
        ("snmpwalk -v3 -u mon -A Welcome953 -X Monday292", "snmpwalk -v3 -u mon -A [PASSWORD] -X [PASSWORD]"),
        ("enable secret 5 $1$mERr$hx5rVt7rPNoS4wqbXKX7m0", "enable secret 5 [SECRET]"),
        ("x-functions-key: k7TtlA5vk/ra5yPHVajmSv/AyRfngtFQ", "x-functions-key: [PASSWORD]"),
        ("backup_AKIAT2M5QKXCQS3DWGKQ_s3 denied", "backup_[API_KEY]_s3 denied"),
        (
            "INSERT INTO users (name, password) VALUES ('x', 'y9')",
            "INSERT INTO users (name, password) VALUES ([PASSWORD])",
        ),
        ("postgresql://root:cbdox2/7iTA#aL@db:5432/app", "postgresql://root:[PASSWORD]@db:5432/app"),
        (
            "n1 v: -----BEGIN EC PRIVATE KEY-----\nn1 v: IcZA8nk2ZvDImZNqxCRNUamc\nn1 v: -----END EC PRIVATE KEY-----",
            "n1 v: [PRIVATE_KEY]",
        ),
        ("IP 10.0.0.7.53 > 10.0.0.9.4242: UDP", "IP [IP_ADDRESS_1].53 > [IP_ADDRESS_2].4242: UDP"),
        ("bridge learn 04:29:bf:7a:9f:c0->port 7", "bridge learn [MAC_ADDRESS_1]->port 7"),
        ("dial phone=00447925483530 result=busy", "dial phone=[PHONE_NUMBER_1] result=busy"),
        ("an jörg.müller38@bücher.de gesendet", "an [EMAIL_ADDRESS_1] gesendet"),
        ('{"TargetUserName":"nadia-dubo"}', '{"TargetUserName":"[USER_1]"}'),
        ("ssh: connect to tanakak@bastion port 22", "ssh: connect to [USER_1]@bastion port 22"),
        ("vsftpd: [eva_s] FAIL LOGIN", "vsftpd: [[USER_1]] FAIL LOGIN"),
        ("v6(en0:2607:f140:6000:8:c6b3:1ff:fecd:467f)", "v6(en0:[IP_ADDRESS_1])"),
        ("rhost=ec2-52-80-34-196.cn.example.com", "rhost=ec2-[IP_ADDRESS_1].cn.example.com"),
        ("Invalid user 1234 from 10.0.0.7", "Invalid user [USER_1] from [IP_ADDRESS_1]"),
        (
            "LeaseRenewer:msrabi@msra-41:9000 /usercache/curi/x",
            "LeaseRenewer:[USER_1]@msra-41:9000 /usercache/[USER_2]/x",
        ),
        ("db1:5432:orders:app:6!7sooUyhjI", "db1:5432:orders:app:[PASSWORD]"),
        (
            "echo Shadow803? | docker login -u x --password-stdin hub",
            "echo [PASSWORD] | docker login -u x --password-stdin hub",
        ),
        ("swipe %B5553152741818800^ROE/JANE^2712", "swipe %B[CARD_NUMBER]^ROE/JANE^2712"),
        (
            "token mismatch: expected 2d2f1ecb4cbd4b8f got 4b7d3b7534238681",
            "token mismatch: expected [PASSWORD] got [PASSWORD]",
        ),
        ("<name>fs.secret.key</name><value>QeHSQmt/SII</value>", "<name>fs.secret.key</name><value>[PASSWORD]</value>"),
        ('"passwd":"[dVi03>I;R6<","n":1', '"passwd":"[PASSWORD]","n":1'),
        ("HmacKey -> A8EJ12Xpm_v4cwpnqnCy1", "HmacKey -> [PASSWORD]"),
        ("UTC [63157] adm_ulla@orders ERROR: x", "UTC [63157] [USER_1]@orders ERROR: x"),
        ("[ines.dubois/nwkp!nl] (from client ap1)", "[[USER_1]/[PASSWORD]] (from client ap1)"),
        ("CONNECT a:443 jonas HIER_DIRECT/10.0.0.7", "CONNECT a:443 [USER_1] HIER_DIRECT/[IP_ADDRESS_1]"),
        ("clara:$6$rounds=5000$Kx7q$EY5Tul9Aj5:19700:0", "[USER_1]:[SECRET]:19700:0"),
        ("actor=svc-silva615 action=delete", "actor=[USER_1] action=delete"),
        ("\\x1b[33m203.0.113.206\\x1b[0m up", "\\x1b[33m[IP_ADDRESS_1]\\x1b[0m up"),
        ("\\x1b[32mAKIAIOSFODNN7EXAMPLE", "\\x1b[32m[API_KEY]"),
        ("\x1b[36mpassword\x1b[0m=hunter3zeta up", "\x1b[36mpassword\x1b[0m=[PASSWORD] up"),
        (
            "api_key\\x00=\\x00hunter7zeta pass\u200bword=hunter8z",
            "api_key\\x00=\\x00[PASSWORD] pass\u200bword=[PASSWORD]",
        ),
        ("\\x07203.0.113.209 ip=\x00203.0.113.208", "\\x07[IP_ADDRESS_1] ip=\x00[IP_ADDRESS_2]"),
        ("q=deploy%20project-bluebird%3B%20sshpass%20-p%20hunter2zeta", "q=[PASSWORD]"),
        ("cmd=sshpass%20-p%20hunter2%20ssh%20ops%40db1.corp.example.com", "cmd=[PASSWORD]"),
        ("ops%40db1.corp.example.com", "ops%40[HOST_1]"),
        (
            "Zabbix agent 10.4.5.6 down, upgrade failed on 10.4.5.7",
            "Zabbix agent [IP_ADDRESS_1] down, upgrade failed on [IP_ADDRESS_2]",
        ),
        (
            "tcp/203.0.113.9 host-203.0.113.9 203.0.113.9-eth0",
            "tcp/[IP_ADDRESS_1] host-[IP_ADDRESS_1] [IP_ADDRESS_1]-eth0",
        ),
        ("10.1.2.3.443 203.0.113.9.51234 ESTABLISHED", "[IP_ADDRESS_1].443 [IP_ADDRESS_2].51234 ESTABLISHED"),
        ("hxxp://203[.]0[.]113[.]9/x", "hxxp://[IP_ADDRESS_1]/x"),
        ("password=[PASSWORD]hunter2-zeta", "password=[PASSWORD][PASSWORD]"),
        ("password=payment-server-01", "password=[PASSWORD]"),
        ("passwords: [hunter2, swordfish9] password2: hunter2zz", "passwords: [[PASSWORD]] password2: [PASSWORD]"),
        ("secret_id=hunter2zeta9 app --user alice:hunter2 x", "secret_id=[PASSWORD] app --user [USER_1]:[PASSWORD] x"),
        ("user=müller, user ålesund from x", "user=[USER_1], user [USER_2] from x"),
        ('{"msg":"password=hunter2 refused by 10.0.0.7"}', '{"msg":"password=[PASSWORD] refused by [IP_ADDRESS_1]"}'),
        ('Environment="DB_PASSWORD=Spring(70)] 1c"', 'Environment="DB_PASSWORD=[PASSWORD]"'),
        ("redis-cli -a hunter2Xk9 ping", "redis-cli -a [PASSWORD] ping"),
        ("valkey-cli -h db1 -a 'two words9' info", "valkey-cli -h db1 -a '[PASSWORD]' info"),
        ("REDISCLI_AUTH=hunter2Xk9 redis-cli info", "REDISCLI_AUTH=[PASSWORD] redis-cli info"),
        ("mysql -phunter2Xk9 orders", "mysql -p[PASSWORD] orders"),
        ("new pw hunter2Xk9, old pw (Autumn!)", "new pw [PASSWORD], old pw ([PASSWORD])"),
        ("the pw hunter2Xk9. Then pw Tr0ub.dor", "the pw [PASSWORD]. Then pw [PASSWORD]"),
        ('{"why":"pw hunter2Xk9"} pw tr0ub!x.dor', '{"why":"pw [PASSWORD]"} pw [PASSWORD]'),
        ('the admin pw is "hunter2Xk9"', 'the admin pw is "[PASSWORD]"'),
        ("pass phrase hunter2Xk9, Pass phrase: geheim9x", "pass phrase [PASSWORD], Pass phrase: [PASSWORD]"),
        ("p@ssw0rd=hunter2Xk9 passw0rd: geheim9x", "p@ssw0rd=[PASSWORD] passw0rd: [PASSWORD]"),
        ("https://chat.example/hooks/xr3j5x3p4fyt5x7o3qyf1e1i4h", "https://chat.example/hooks/[API_KEY]"),
        (
            '"https:\\/\\/chat.example\\/hooks\\/xr3j5x3p4fyt5x7o3qyf1e1i4h"',
            '"https:\\/\\/chat.example\\/hooks\\/[API_KEY]"',
        ),
        ("POST /hooks/xr3j5x3p4fyt5x7o3qyf1e1i4h HTTP/1.1", "POST /hooks/[API_KEY] HTTP/1.1"),
        ("Überfällig: 10.0.0.7 → password=größe9", "Überfällig: [IP_ADDRESS_1] → password=[PASSWORD]"),
    ],
)
def test_what_must_not_leave_is_replaced_and_nothing_around_it(text: str, told: str) -> None:
    assert masked(text) == told


@pytest.mark.parametrize(
    "text",
    [
        "version 1.2.3.4 of foo/1.2.3.4 and v1.2.3.4",
        "2026-11-26T12:30:45.123Z took 12:30:45, 1795733236123456 ns",
        "std::vector::at in com.acme.Orders$Inner:42",
        "password authentication failed for role, token expired, invalid api key, secret not found",
        "max_tokens=100 token_count=7 password_age_days=3",
        "127.0.0.1:6379 ::1 0.0.0.0",
        "payment-server-01 restarted",
        "logname= uid=0 euid=0 tty=NODEVssh ruser= rhost=",
        "wtoken = AppWindowToken{9f4ef63 token=Token{a64f992 ActivityRecord}}",
        "Version=6.1.7601.23505, PublicKeyToken=31bf3856ad364e35",
        "Chrome/120.0.0.1 Safari/537.36 from localhost/127.0.0.1",
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "login ok, account locked, principal found, user session closed",
        "secret=${SECRET} token=null rsync --password-file=/etc/rsync.pass",
        'token bucket-7f9c2d1a4b-x2x5q of secret default-token-5gkfs, "api-token-5gkfs" not found',
        "offset 1732588800123 blk_6201017617989978275 routing_key=orders.created cache_key=9f86d081884c7d659a2feaa0",
        "auth=scram-sha-256 password_history=15 sessionid 0x8631f3d659715cb expired",
        "Enter password:\nNov 26 10:00:01 web-1 kernel: eth0 up",
        "00:00:00.008 25746 INFO user parameter list akka://CoarseGrainedScheduler@node1",
        "tokenType=Bearer expires_in=3600 cookies: 3 login --password-stdin registry",
        "Access denied (using password: YES) Adding job token for job_14 to jobTokenSecretManager",
        "token: android.os.BinderProxy@2bd79ce AppWindowToken.destroySurfaces:374 sessionid: 0x34f4a63146b000f",
        "KB3005607~31bf3856ad364e35~amd64~~6.1.1.0, WWID:0006-3000-003d-0000 2005-06-03-15.42.50",
        "password=[PASSWORD] from [IP_ADDRESS], token=****",
        "the pw was changed, pw reset by mail, ask for the pw before 10:30Z, pw is in KeePass, power 12 pw 3000W",
        "pw -h, pw /etc/master.passwd1, pw group-add, pw=[PASSWORD], pw server01.example.com, pw v1.2.30",
        "pass phrase is needed for server01.key, pass phrase for /etc/nginx/key1.pem, Enter PEM pass phrase:",
        "GET /hooks/after-deploy-of-orders-0001 .git/hooks/pre-commit /hooks/inventorysynchronizationsettings",
        "redis-cli -h db1 -p 6379 info, redis-cli --bigkeys -i 1",
    ],
)
def test_what_a_diagnosis_needs_stays(text: str) -> None:
    assert masked(text) == text


@pytest.mark.parametrize(("name", "kind"), [("db_password", Kind.PASSWORD), ("dbPassword", Kind.PASSWORD)])
def test_a_name_tells_what_stands_under_it(name: str, kind: Kind) -> None:
    assert DETECTOR.kind_named(name) is kind


@pytest.mark.parametrize("name", ["token_count", "max_tokens", "instance", "alertname", "secret_name"])
def test_a_name_that_only_sounds_like_a_secrets_tells_nothing(name: str) -> None:
    assert DETECTOR.kind_named(name) is None


def cpu_seconds(text: str) -> float:
    """Return the least CPU time of three looks: a busy machine changes it little."""
    seconds = []
    for _ in range(3):
        started = time.process_time()
        DETECTOR.find(text)
        seconds.append(time.process_time() - started)
    return min(seconds)


@pytest.mark.parametrize(
    "piece",
    [
        "password=",
        "1.",
        ":",
        "eyJ",
        "a@",
        "-----BEGIN RSA PRIVATE KEY-----",
        "A1b2",
        "[",
        "9 ",
        "\\n",
        "é",
        "pw ",
        "redis-cli ",
    ],
)
def test_the_time_grows_with_the_text_and_not_faster(piece: str) -> None:
    def text_of(size: int) -> str:
        return piece * (size // len(piece))

    assert cpu_seconds(text_of(160_000)) < 12 * max(cpu_seconds(text_of(40_000)), 0.002)


def test_one_encoded_character_does_not_make_a_long_word_slow() -> None:
    assert cpu_seconds("%41 " + "a" * 80_000) < 12 * max(cpu_seconds("%41 " + "a" * 20_000), 0.02)


def test_what_it_remembers_of_clean_texts_is_bounded_and_holds_no_secret() -> None:
    detector = PatternDetector(RULES)
    for number in range(20_000):
        detector.find(f"label-{number}")
    assert 0 < len(detector._clean) <= 8_192
    assert [finding.kind for _ in range(2) for finding in detector.find("password=hunter2")] == [Kind.PASSWORD] * 2
    assert not any("hunter2" in text for text in detector._clean)
