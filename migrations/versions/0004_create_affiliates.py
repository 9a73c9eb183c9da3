"""Create affiliates.

The people, the Segment ids that mean them, and the traces of those erased.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "erasures",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("keyed_hash", sa.Text(), nullable=False),
        sa.Column("event_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchants.id"], name=op.f("fk_erasures_merchant_id")
        ),
        sa.PrimaryKeyConstraint("merchant_id", "kind", "keyed_hash", name=op.f("pk_erasures")),
    )
    op.create_table(
        "affiliates",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column(
            "email_key",
            sa.Text().with_variant(sa.Text(collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("first_name", sa.Text(), nullable=False),
        sa.Column("last_name", sa.Text(), nullable=False),
        sa.Column(
            "name_key", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False
        ),
        sa.Column(
            "last_name_key",
            sa.Text().with_variant(sa.Text(collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("street", sa.Text(), nullable=False),
        sa.Column("city", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("postal_code", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=40), nullable=False),
        sa.Column("offer_id", sa.Uuid(), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=True),
        sa.Column("origin", sa.String(length=40), nullable=False),
        sa.Column(
            "referral_code",
            sa.Text().with_variant(sa.Text(collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("is_test", sa.Boolean(), nullable=False),
        sa.Column("denial_reason", sa.Text(), nullable=False),
        sa.Column("is_denial_reason_shared", sa.Boolean(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["merchant_id", "offer_id"],
            ["offers.merchant_id", "offers.id"],
            name=op.f("fk_affiliates_merchant_id_offer_id"),
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id", "source_id"],
            ["sources.merchant_id", "sources.id"],
            name=op.f("fk_affiliates_merchant_id_source_id"),
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchants.id"], name=op.f("fk_affiliates_merchant_id")
        ),
        sa.PrimaryKeyConstraint("merchant_id", "id", name=op.f("pk_affiliates")),
        sa.UniqueConstraint(
            "merchant_id", "email_key", name=op.f("uq_affiliates_merchant_id_email_key")
        ),
        sa.UniqueConstraint(
            "merchant_id", "referral_code", name=op.f("uq_affiliates_merchant_id_referral_code")
        ),
    )
    with op.batch_alter_table("affiliates", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_affiliates_merchant_id_last_name_key"),
            ["merchant_id", "last_name_key"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_affiliates_merchant_id_name_key"),
            ["merchant_id", "name_key"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_affiliates_merchant_id_status_id"),
            ["merchant_id", "status", "id"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_affiliates_merchant_id_status_offer_id_id"),
            ["merchant_id", "status", "offer_id", "id"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_affiliates_merchant_id_status_source_id_id"),
            ["merchant_id", "status", "source_id", "id"],
            unique=False,
        )
    op.create_table(
        "linked_ids",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("affiliate_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["merchant_id", "affiliate_id"],
            ["affiliates.merchant_id", "affiliates.id"],
            name=op.f("fk_linked_ids_merchant_id_affiliate_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchants.id"], name=op.f("fk_linked_ids_merchant_id")
        ),
        sa.PrimaryKeyConstraint("merchant_id", "id", name=op.f("pk_linked_ids")),
        sa.UniqueConstraint(
            "merchant_id",
            "kind",
            "digest",
            "affiliate_id",
            name=op.f("uq_linked_ids_merchant_id_kind_digest_affiliate_id"),
        ),
    )
    with op.batch_alter_table("linked_ids", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_linked_ids_merchant_id_affiliate_id"),
            ["merchant_id", "affiliate_id"],
            unique=False,
        )
        batch_op.create_index(
            "uq_linked_ids_user_id",
            ["merchant_id", "digest"],
            unique=True,
            sqlite_where=sa.text("kind = 'user_id'"),
            postgresql_where=sa.text("kind = 'user_id'"),
        )


def downgrade() -> None:
    with op.batch_alter_table("linked_ids", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_linked_ids_user_id",
            sqlite_where=sa.text("kind = 'user_id'"),
            postgresql_where=sa.text("kind = 'user_id'"),
        )
        batch_op.drop_index(batch_op.f("ix_linked_ids_merchant_id_affiliate_id"))
    op.drop_table("linked_ids")
    with op.batch_alter_table("affiliates", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_affiliates_merchant_id_status_source_id_id"))
        batch_op.drop_index(batch_op.f("ix_affiliates_merchant_id_status_offer_id_id"))
        batch_op.drop_index(batch_op.f("ix_affiliates_merchant_id_status_id"))
        batch_op.drop_index(batch_op.f("ix_affiliates_merchant_id_name_key"))
        batch_op.drop_index(batch_op.f("ix_affiliates_merchant_id_last_name_key"))
    op.drop_table("affiliates")
    op.drop_table("erasures")
