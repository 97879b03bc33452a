-- Refunds that are asked for, claimed in the books before the money moves, and settled after it has.

ALTER TABLE payments
    ADD COLUMN refund_pending_amount bigint NOT NULL DEFAULT 0,
    ADD CONSTRAINT payments_refund_pending_not_negative CHECK (refund_pending_amount >= 0),
    ADD CONSTRAINT payments_refunds_within_amount CHECK (refunded_amount + refund_pending_amount <= amount);

COMMENT ON COLUMN payments.refund_pending_amount IS 'What is claimed by refunds that are not settled yet.';

ALTER TABLE refunds
    ADD COLUMN status text NOT NULL DEFAULT 'SUCCEEDED',
    ADD COLUMN failure text,
    ADD COLUMN fingerprint text,
    ADD COLUMN request_id text,
    ADD COLUMN settled_at timestamptz,
    ALTER COLUMN reference DROP NOT NULL,
    ADD CONSTRAINT refunds_status_known CHECK (status IN ('PENDING', 'SUCCEEDED', 'FAILED', 'WRITTEN_OFF')),
    ADD CONSTRAINT refunds_settled_have_reference CHECK (
        reference IS NOT NULL OR status IN ('PENDING', 'FAILED')
    ),
    ADD CONSTRAINT refunds_failed_have_failure CHECK (status <> 'FAILED' OR failure IS NOT NULL);

COMMENT ON COLUMN refunds.reference IS
    'The refund at the payment provider, or what an operator noted who made it by hand or wrote it off.';

COMMENT ON COLUMN refunds.failure IS 'Why the payment provider did not make it, as a stable code.';

COMMENT ON COLUMN refunds.fingerprint IS 'What was asked for, to tell a repeated request from another one.';
