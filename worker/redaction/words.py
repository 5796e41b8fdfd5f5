"""Words that stand where a secret or a name could: they are neither."""

from typing import Final

__all__ = ["NO_PEOPLE", "ORDINARY_WORDS", "SYSTEM_ACCOUNTS"]

ORDINARY_WORDS: Final = frozenset(
    """
    the a an is was are not no of for to in on at by with from and or has have had be been expired invalid
    missing required authentication failed failure incorrect wrong mismatch changed change reset expires
    expiration auth error errors found null none nil true false undefined unknown empty set unset yes ok
    refresh refreshed rotated rotation valid validation verified accepted rejected denied type count length
    size name names id file path url uri max min limit bucket manager service server provider store value
    values key keys string int bool str bytes object bearer basic digest negotiate must should cannot could
    can't does did will would given provided supplied
    """.split()  # noqa: SIM905 - a list of words is read as one
)
"""What sentences go on with behind "password", "token" and the like."""

SYSTEM_ACCOUNTS: Final = frozenset(
    """
    root daemon bin sys sync nobody systemd www-data www nginx apache httpd mysql postgres redis mongodb
    mongod kafka zookeeper hdfs yarn hadoop spark hive elasticsearch logstash kibana grafana prometheus node
    docker containerd kubelet kube-proxy etcd sshd cron crond syslog rsyslog messagebus dbus polkitd ntp ntpd
    chrony tomcat jenkins git ubuntu debian centos ec2-user admin administrator system default guest anonymous
    test operator backup mail postfix lp news uucp man games proxy list irc gnats sudo service local
    localservice networkservice none null unknown invalid user users id name name_id from on in the a an and
    is was not with by for to at of agent data session sessions request requests logged login logout space
    mode process processes group groups input output error failed success successful authentication
    authenticated account accounts defined interface experience level named names public anonymous_user s has
    have had can could does did profile limit quota role roles table count cache preferences settings memory time
    cpu token tokens key keys query queries parameter parameters entry entries record records type types status
    state info information config context scope class attribute field fields value values option options
    permission permissions access activity action actions event events page view model service object instance
    database schema directory folder file files home path email password passwords pool thread threads traffic load
    store lookup search sync import export creation deletion update registration management manager details detail
    metadata equivalence locked expired disabled deleted created updated required missing denied rejected
    """.split()  # noqa: SIM905 - a list of words is read as one
)
"""Accounts of programs, and words that stand behind "user" in sentences."""

_ALSO_PEOPLE: Final = frozenset({"an", "can", "field", "guest", "page", "store", "will"})

_PROGRAMS: Final = frozenset(
    """
    activemq airflow alertmanager alloy ambassador ansible argo avro azure cassandra celery ceph chef clickhouse
    cloudflare cockroach confluence consul couchbase couchdb datadog django dynamo dynatrace elastic envoy express
    fastapi filebeat flask flink fluentbit fluentd gitea github gitlab google gunicorn harbor haproxy hazelcast helm
    ignite influx influxdb istio java javascript jaeger jboss jetty jira keycloak kestrel kibana kong kubernetes
    laravel linkerd linux logback loki lucene mariadb memcached microsoft minio mongo nagios nats neo4j netty nexus
    nomad nutanix oracle pagerduty php pingdom podman postgresql presto pulsar puma puppet python rabbit rabbitmq
    rails redhat rust salt scala selenium sentinel sentry sidekiq slack snowflake solr sonar spinnaker splunk spring
    swarm symfony tempo terraform thanos traefik trino ubuntu valkey vault velero vmware weblogic windows zabbix
    zuul android apple amazon
    """.split()  # noqa: SIM905 - likewise
)

_PARTS_OF_SYSTEMS: Final = frozenset(
    """
    alert balancer batch breaker broker build builder circuit client cluster connect connector consumer container
    controller critical daemonset debug deployment driver endpoint engine error exception executor exporter fatal
    gateway handler hat heap hypervisor incident ingress info instance job kernel lambda leader listener loader
    master message monitor namespace node operator partition pipeline pipelines platform pod primary producer proxy
    queue registry release replica resource response router runner runtime scheduler secondary segment server shard
    socket stack standby startup starting started stopped stopping storage stream studio subscriber system task
    ticket timeout toolkit tracker unit upstream warn warning watcher watchdog worker writer zone
    """.split()  # noqa: SIM905 - likewise
)

NO_PEOPLE: Final = (ORDINARY_WORDS | SYSTEM_ACCOUNTS | _PROGRAMS | _PARTS_OF_SYSTEMS) - _ALSO_PEOPLE
"""What a model takes for people, or for parts of their names, where it stands in title case."""
