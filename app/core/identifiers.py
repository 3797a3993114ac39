"""Identifiers: all of them str or int underneath, so that a mix-up is a type error."""

from typing import NewType

AppId = NewType("AppId", str)
BranchName = NewType("BranchName", str)
"""The exact text after `refs/heads/`, never normalised."""
CommitSha = NewType("CommitSha", str)
DatabaseName = NewType("DatabaseName", str)
RoleName = NewType("RoleName", str)

RepositoryId = NewType("RepositoryId", int)
OwnerId = NewType("OwnerId", int)
InstallationId = NewType("InstallationId", int)
PullRequestNumber = NewType("PullRequestNumber", int)
WorkflowRunId = NewType("WorkflowRunId", int)
WorkflowJobId = NewType("WorkflowJobId", int)
CommentId = NewType("CommentId", int)
CheckRunId = NewType("CheckRunId", int)
"""GitHub's id of a check run."""

HostId = NewType("HostId", str)
"""Of a machine with a data directory; see `core/hosts`."""
InstanceId = NewType("InstanceId", int)
DatabaseId = NewType("DatabaseId", int)
RunId = NewType("RunId", int)
MigrationId = NewType("MigrationId", int)
CheckId = NewType("CheckId", int)
"""Our id of a check run; also its `external_id` at GitHub."""
JobLoginId = NewType("JobLoginId", int)
TokenId = NewType("TokenId", int)
