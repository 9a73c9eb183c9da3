"""Create deliveries.

What Segment delivered, and what each messageId was answered first.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "answers",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("call_type", sa.Text(), nullable=False),
        sa.Column("message_id_digest", sa.Text(), nullable=False),
        sa.Column("outcome", sa.String(length=40), nullable=False),
        sa.Column("affiliate_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchants.id"], name=op.f("fk_answers_merchant_id")
        ),
        sa.PrimaryKeyConstraint(
            "merchant_id", "call_type", "message_id_digest", name=op.f("pk_answers")
        ),
    )
    op.create_table(
        "deliveries",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("call_type", sa.Text(), nullable=False),
        sa.Column("outcome", sa.String(length=40), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("status_code", sa.Integer(), nullable=False),
        sa.Column("is_replay", sa.Boolean(), nullable=False),
        sa.Column("is_test", sa.Boolean(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("event_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("source_id", sa.Uuid(), nullable=True),
        sa.Column("affiliate_id", sa.Uuid(), nullable=True),
        sa.Column("message_id", sa.Text(), nullable=True),
        sa.Column("message_id_digest", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column(
            "email_key", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=True
        ),
        sa.Column("user_id", sa.Text(), nullable=True),
        sa.Column("user_id_digest", sa.Text(), nullable=True),
        sa.Column("anonymous_id", sa.Text(), nullable=True),
        sa.Column("anonymous_id_digest", sa.Text(), nullable=True),
        sa.Column("payload", sa.JSON(none_as_null=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["merchant_id", "source_id"],
            ["sources.merchant_id", "sources.id"],
            name=op.f("fk_deliveries_merchant_id_source_id"),
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchants.id"], name=op.f("fk_deliveries_merchant_id")
        ),
        sa.PrimaryKeyConstraint("merchant_id", "id", name=op.f("pk_deliveries")),
    )
    with op.batch_alter_table("deliveries", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_deliveries_merchant_id_affiliate_id_id"),
            ["merchant_id", "affiliate_id", "id"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_deliveries_merchant_id_anonymous_id_digest"),
            ["merchant_id", "anonymous_id_digest"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_deliveries_merchant_id_email_key"),
            ["merchant_id", "email_key"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_deliveries_merchant_id_message_id_digest"),
            ["merchant_id", "message_id_digest"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_deliveries_merchant_id_outcome_id"),
            ["merchant_id", "outcome", "id"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_deliveries_merchant_id_source_id_id"),
            ["merchant_id", "source_id", "id"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_deliveries_merchant_id_user_id_digest"),
            ["merchant_id", "user_id_digest"],
            unique=False,
        )
        batch_op.create_index(
            "ix_deliveries_tests",
            ["merchant_id", "id"],
            unique=False,
            sqlite_where=sa.text("is_test"),
            postgresql_where=sa.text("is_test"),
        )


def downgrade() -> None:
    with op.batch_alter_table("deliveries", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_deliveries_tests",
            sqlite_where=sa.text("is_test"),
            postgresql_where=sa.text("is_test"),
        )
        batch_op.drop_index(batch_op.f("ix_deliveries_merchant_id_user_id_digest"))
        batch_op.drop_index(batch_op.f("ix_deliveries_merchant_id_source_id_id"))
        batch_op.drop_index(batch_op.f("ix_deliveries_merchant_id_outcome_id"))
        batch_op.drop_index(batch_op.f("ix_deliveries_merchant_id_message_id_digest"))
        batch_op.drop_index(batch_op.f("ix_deliveries_merchant_id_email_key"))
        batch_op.drop_index(batch_op.f("ix_deliveries_merchant_id_anonymous_id_digest"))
        batch_op.drop_index(batch_op.f("ix_deliveries_merchant_id_affiliate_id_id"))
    op.drop_table("deliveries")
    op.drop_table("answers")
