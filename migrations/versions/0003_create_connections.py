"""Create connections.

The Segment integration: the connection, its installs and sources.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "installs",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("workspace", sa.Text(), nullable=False),
        sa.Column("token_sealed", sa.Text(), nullable=False),
        sa.Column("token_expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("token_lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchants.id"], name=op.f("fk_installs_merchant_id")
        ),
        sa.PrimaryKeyConstraint("merchant_id", "name", name=op.f("pk_installs")),
    )
    op.create_table(
        "sources",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("resource_name", sa.Text(), nullable=True),
        sa.Column("install_name", sa.Text(), nullable=True),
        sa.Column("project_id", sa.Text(), nullable=True),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("destination_state", sa.String(length=40), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchants.id"], name=op.f("fk_sources_merchant_id")
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id", "install_name"],
            ["installs.merchant_id", "installs.name"],
            name=op.f("fk_sources_merchant_id_install_name"),
        ),
        sa.PrimaryKeyConstraint("merchant_id", "id", name=op.f("pk_sources")),
        sa.UniqueConstraint(
            "merchant_id", "project_id", name=op.f("uq_sources_merchant_id_project_id")
        ),
        sa.UniqueConstraint(
            "merchant_id", "resource_name", name=op.f("uq_sources_merchant_id_resource_name")
        ),
    )
    op.create_table(
        "connections",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("mode", sa.String(length=40), nullable=True),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("offer_id", sa.Uuid(), nullable=True),
        sa.Column("workspace", sa.Text(), nullable=True),
        sa.Column("connected_by", sa.Uuid(), nullable=True),
        sa.Column("connected_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["merchant_id", "offer_id"],
            ["offers.merchant_id", "offers.id"],
            name=op.f("fk_connections_merchant_id_offer_id"),
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchants.id"], name=op.f("fk_connections_merchant_id")
        ),
        sa.PrimaryKeyConstraint("merchant_id", name=op.f("pk_connections")),
    )


def downgrade() -> None:
    op.drop_table("connections")
    op.drop_table("sources")
    op.drop_table("installs")
