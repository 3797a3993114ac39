"""Services that run PostgreSQL for others: how one is recognised, and what an operator does there.

Nobody is a superuser on most of them, so what PostgreSQL's own documentation advises cannot be
done; each has a place of its own for settings. What is said here is from their documentation.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass

_RDS_REGION = re.compile(r"\.([a-z]{2}(?:-[a-z]+)+-[0-9]+)\.rds\.amazonaws\.com(?:\.cn)?$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Managed:
    """A service, or an operator on Kubernetes."""

    name: str
    settings_at: str
    """Where a setting of the server is changed, as in "set x = 1 in ..."."""
    certificate: str
    """How the server's certificate is checked there."""
    hosts: tuple[str, ...] = ()
    """How its servers' names end."""
    roles: frozenset[str] = frozenset()
    """Roles that only its servers have."""
    families: frozenset[str] = frozenset()
    """What the names of its own settings begin with; `cnpg` for what its archive_command tells."""
    own_databases: frozenset[str] = frozenset()
    """Databases that are the service's, and not its customer's to change."""
    has_superuser: bool = False
    """Whether its customers may be one."""


RDS = Managed(
    name="Amazon RDS or Aurora",
    settings_at="the parameter group of the DB instance or cluster",
    certificate="Amazon publishes the CAs of each region: download"
    " https://truststore.pki.rds.amazonaws.com/REGION/REGION-bundle.pem and give it as the CA"
    " certificate (--ca-file), with sslmode verify-full.",
    hosts=(".rds.amazonaws.com", ".rds.amazonaws.com.cn"),
    roles=frozenset({"rds_superuser", "rdsadmin"}),
    families=frozenset({"rds", "aurora", "apg_plan_mgmt"}),
    own_databases=frozenset({"rdsadmin"}),
)
CLOUD_SQL = Managed(
    name="Google Cloud SQL",
    settings_at="the flags of the instance",
    certificate="Each instance has a CA of its own unless another was chosen: `gcloud sql ssl"
    " server-ca-certs list --instance NAME --format='value(cert)' > server-ca.pem`, and give that"
    " as the CA certificate (--ca-file). Such a certificate names the instance and not its address:"
    " sslmode verify-ca.",
    hosts=(".sql.goog", ".sql-psa.goog"),
    roles=frozenset({"cloudsqlsuperuser", "cloudsqladmin"}),
    families=frozenset({"cloudsql"}),
    own_databases=frozenset({"cloudsqladmin"}),
)
AZURE = Managed(
    name="Azure Database for PostgreSQL",
    settings_at="the server parameters",
    certificate="Its certificates are from public CAs: sslmode verify-full, without a CA"
    " certificate of your own.",
    hosts=(".postgres.database.azure.com",),
    roles=frozenset({"azure_pg_admin", "azuresu"}),
    families=frozenset({"azure"}),
    own_databases=frozenset({"azure_maintenance", "azure_sys"}),
)
SUPABASE = Managed(
    name="Supabase",
    settings_at="the project's PostgreSQL configuration (supabase postgres-config update)",
    certificate="Download the CA from the database settings of the project, and give it as the CA"
    " certificate (--ca-file), with sslmode verify-full.",
    hosts=(".supabase.co", ".supabase.com"),
    roles=frozenset({"supabase_admin"}),
)
NEON = Managed(
    name="Neon",
    settings_at="the settings of the project, where Neon offers it",
    certificate="Its certificates are from a public CA: sslmode verify-full, without a CA"
    " certificate of your own.",
    hosts=(".neon.tech",),
    roles=frozenset({"neon_superuser"}),
    families=frozenset({"neon"}),
)
CLOUDNATIVEPG = Managed(
    name="CloudNativePG",
    settings_at="spec.postgresql.parameters of the Cluster",
    certificate="The CA is in the Secret CLUSTER-ca: `kubectl get secret CLUSTER-ca -o"
    " jsonpath='{.data.ca\\.crt}' | base64 -d > ca.crt`, and give that as the CA certificate"
    " (--ca-file), with sslmode verify-full for the names of its Services.",
    families=frozenset({"cnpg"}),
    has_superuser=True,
)
CRUNCHY_BRIDGE = Managed(
    name="Crunchy Bridge",
    settings_at="the configuration parameters of the cluster (cb config-param set)",
    certificate="Each team has a CA of its own: download it from the dashboard, and give it as the"
    " CA certificate (--ca-file), with sslmode verify-full.",
    hosts=(".db.postgresbridge.com",),
    has_superuser=True,
)
CRUNCHY_OPERATOR = Managed(
    name="Crunchy Postgres for Kubernetes",
    settings_at="spec.config.parameters of the PostgresCluster (before 5.8:"
    " spec.patroni.dynamicConfiguration.postgresql.parameters)",
    certificate="The CA is in the Secret CLUSTER-cluster-cert, as ca.crt: give it as the CA"
    " certificate (--ca-file), with sslmode verify-full for the names of its Services.",
    roles=frozenset({"_crunchyrepl"}),
    has_superuser=True,
)
UNKNOWN = Managed(
    name="the service that runs this server",
    settings_at="the configuration from which the server is run",
    certificate="",
)
ALL = (RDS, CLOUD_SQL, AZURE, SUPABASE, NEON, CLOUDNATIVEPG, CRUNCHY_BRIDGE, CRUNCHY_OPERATOR)


def managed_by(
    *, host: str, roles: Collection[str], families: Collection[str], may_alter_system: bool
) -> Managed | None:
    """The service that runs a server, by what the server has; None: whoever linked it.

    Args:
        families: What the names of the server's settings begin with, up to the dot.
        may_alter_system: From version 17 on a server can be told to refuse ALTER SYSTEM.
    """
    for one in ALL:
        if not (one.roles.isdisjoint(roles) and one.families.isdisjoint(families)):
            return one
    return managed_at(host) or (None if may_alter_system else UNKNOWN)


def managed_at(host: str) -> Managed | None:
    """The service whose name a host has."""
    return next((one for one in ALL if one.hosts and host.lower().endswith(one.hosts)), None)


def certificate_at(host: str) -> str | None:
    """How the certificate of a server at a host is checked, where its service is known."""
    managed = managed_at(host)
    if managed is None:
        return None
    region = _RDS_REGION.search(host.lower())
    return managed.certificate.replace("REGION", region[1]) if region else managed.certificate
