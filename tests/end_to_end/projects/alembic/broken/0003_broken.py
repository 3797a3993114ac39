"""A column of a table that does not exist."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Fail."""
    op.add_column("customers", sa.Column("email", sa.Text))
