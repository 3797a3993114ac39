"""The OIDC issuer of Actions: keys, and tokens with every claim that GitHub documents."""

import secrets
from datetime import timedelta
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from demo.github.model import Json, WorkflowJob, WorkflowRun
from demo.github.objects.accounts import node_id
from demo.github.state import utc_now


class Issuer:
    """Signs with one key at a time; `rotate` takes the next one."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._keys: list[tuple[str, rsa.RSAPrivateKey]] = []
        self.rotate()

    def rotate(self, *, forget_old: bool = False) -> None:
        """Sign with a new key; the old ones stay published unless they are forgotten."""
        if forget_old:
            self._keys.clear()
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._keys.append((secrets.token_hex(20).upper(), key))

    def jwks(self) -> Json:
        """The document at `/.well-known/jwks`."""
        keys = []
        for kid, key in self._keys:
            public = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
            public.pop("key_ops", None)
            keys.append({**public, "use": "sig", "alg": "RS256", "kid": kid})
        return {"keys": keys}

    def configuration(self) -> Json:
        """The document at `/.well-known/openid-configuration`."""
        return {
            "issuer": self.url,
            "jwks_uri": f"{self.url}/.well-known/jwks",
            "subject_types_supported": ["public", "pairwise"],
            "response_types_supported": ["id_token"],
            "claims_supported": ["sub", "aud", "exp", "iat", "iss", "jti", "nbf"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "scopes_supported": ["openid"],
        }

    def sign(self, claims: dict[str, Any]) -> str:
        """A token over exactly these claims."""
        kid, key = self._keys[-1]
        return jwt.encode(claims, key, algorithm="RS256", headers={"kid": kid, "x5t": kid})

    def token_for(
        self, run: WorkflowRun, job: WorkflowJob, *, audience: str, **overrides: Any
    ) -> str:
        """What a job is given; a claim overridden with None is left out."""
        claims = {**claims_of(run, job), **self._frame(audience), **overrides}
        return self.sign({name: value for name, value in claims.items() if value is not None})

    def _frame(self, audience: str) -> Json:
        now = utc_now()
        return {
            "jti": secrets.token_hex(16),
            "iss": self.url,
            "aud": audience,
            "iat": int(now.timestamp()),
            "nbf": int((now - timedelta(minutes=5)).timestamp()),
            "exp": int((now + timedelta(minutes=5)).timestamp()),
        }


def claims_of(run: WorkflowRun, job: WorkflowJob) -> Json:
    """https://docs.github.com/en/actions/reference/security/oidc"""
    repository = run.repository
    environment = job.environment
    context = f"environment:{environment}" if environment else f"ref:{run.ref}"
    if run.event == "pull_request" and not environment:
        context = "pull_request"
    is_branch = run.ref.startswith(("refs/heads/", "refs/pull/"))
    return {
        "sub": f"repo:{repository.full_name}:{context}",
        "ref": run.ref,
        "ref_type": "branch" if is_branch else "tag",
        "ref_protected": str(run.head_branch in repository.protected_branches).lower(),
        "sha": run.sha,
        "repository": repository.full_name,
        "repository_id": str(repository.id),
        "repository_owner": repository.owner.login,
        "repository_owner_id": str(repository.owner.id),
        "repository_visibility": "private" if repository.is_private else "public",
        "run_id": str(run.id),
        "run_number": str(run.number),
        "run_attempt": str(run.attempt),
        "actor": run.actor.login,
        "actor_id": str(run.actor.id),
        "workflow": "Build",
        "workflow_ref": run.workflow_ref,
        "workflow_sha": run.sha,
        "job_workflow_ref": run.workflow_ref,
        "job_workflow_sha": run.sha,
        "head_ref": run.head_ref,
        "base_ref": run.base_ref,
        "event_name": run.event,
        "environment": environment,
        "environment_node_id": environment and node_id("Environment", repository.id),
        "runner_environment": "github-hosted",
        "check_run_id": str(job.id),
    }
